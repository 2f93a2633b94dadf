"""`orchestrator reconcile`: our books against the provider's."""

import asyncio

import click

from orchestrator.actions.reconcile import Report, reconcile
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.words import count, rfc3339, safe, usd
from orchestrator.core.errors import ExitCode
from orchestrator.core.money import format_usd

HOUR_MS = 3600 * 1000
SHOWN_MAX = 20


@declare("reconcile", short_help="Compare our books with the provider's bill; book refunds.")
@click.option(
    "--hours",
    type=click.IntRange(1, 168),
    default=168,
    show_default=True,
    help="How far back; a week at most.",
)
def command(hours: int) -> ExitCode:
    """Compare the last HOURS with the provider's list, bill and balance; book refunds and differences.

    Tasks that this database does not know are adopted by a pending job that wants just the same, else listed once as
    unknown; then spending may go on. Exits with 0 when all agrees, 5 when somebody should look.
    """
    with opened() as app:
        report = asyncio.run(_reconcile(app, hours))
    if out.as_json():
        out.document(_document(report))
    else:
        _tell(report)
    return ExitCode.DONE if report.agrees else ExitCode.OPERATOR


async def _reconcile(app: App, hours: int) -> Report:
    provider = app.provider()
    try:
        now = app.clock.now_ms()
        return await reconcile(
            app.database,
            provider,
            app.clock,
            app.entropy,
            base_url=app.settings.provider.base_url,
            timezone=app.settings.budgets.timezone,
            start_ms=now - hours * HOUR_MS,
            end_ms=now,
        )
    finally:
        await provider.aclose()


def _tell(report: Report) -> None:
    out.answer(f"From {rfc3339(report.start_ms)} to {rfc3339(report.end_ms)}")
    if not report.readable:
        out.answer(
            "The provider's list or bill could not be read whole; nothing was compared. Try again later."
        )
        return
    out.answer(f"  matched      {count(report.matched, 'task')}, {usd(report.matched_micros)} billed")
    for attempt_id, micros in report.adjusted[:SHOWN_MAX]:
        out.answer(f"  adjusted     attempt {attempt_id} by {usd(micros)}")
    out.answer(
        f"  refunds      {report.refunds_seen} seen now, {report.refunds_due} due ({usd(report.refunds_due_micros)})"
    )
    for prediction_id, job_id in report.adopted[:SHOWN_MAX]:
        out.answer(f"  adopted      task {safe(prediction_id)} as job {job_id}")
    for item in report.unknown[:SHOWN_MAX]:
        out.answer(
            f"  unknown      task {safe(item.id)} ({safe(item.status_text)}), created {rfc3339(item.created_at_ms)}"
        )
    for record in report.billed_unknown[:SHOWN_MAX]:
        out.answer(f"  unknown      billed {usd(record.micros)} for task {safe(record.prediction_id)}")
    for prediction_id in report.unbilled[:SHOWN_MAX]:
        out.answer(f"  not billed   task {safe(prediction_id)}")
    if report.balance_micros is not None:
        out.answer(f"  balance      {usd(report.balance_micros)}")
    if report.in_doubt:
        out.answer(
            "  in doubt     some replies were lost, and may explain unknown tasks. A worker resolves what it can "
            "(orchestrator work --drain), you the rest (orchestrator in-doubt list); then run this again"
        )
    out.answer("All agrees." if report.agrees else "Somebody should look at the lines above.")


def _document(report: Report) -> dict[str, object]:
    return {
        "from": rfc3339(report.start_ms),
        "to": rfc3339(report.end_ms),
        "agrees": report.agrees,
        "readable": report.readable,
        "matched": report.matched,
        "billed_usd": format_usd(report.matched_micros),
        "adjusted": [{"attempt": a, "usd": format_usd(m)} for a, m in report.adjusted],
        "refunds": {
            "seen": report.refunds_seen,
            "due": report.refunds_due,
            "due_usd": format_usd(report.refunds_due_micros),
        },
        "adopted": [{"prediction_id": p, "job": j} for p, j in report.adopted],
        "unknown": [{"prediction_id": item.id, "status": item.status_text} for item in report.unknown],
        "billed_unknown": [
            {"prediction_id": item.prediction_id, "usd": format_usd(item.micros)}
            for item in report.billed_unknown
        ],
        "unbilled": report.unbilled,
        "in_doubt": report.in_doubt,
        "balance_usd": None if report.balance_micros is None else format_usd(report.balance_micros),
    }
