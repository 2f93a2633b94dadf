"""`orchestrator reconcile`: our books against the provider's."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import click

from orchestrator.actions.reconciling.reconcile import reconcile
from orchestrator.actions.reconciling.reconciliation import Period, Reconciliation
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import NO_REHEARSAL
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.money import bill_text
from orchestrator.cli.rendering.words import count, rfc3339, safe, usd
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.core.money import format_usd
from orchestrator.ports import Prediction
from orchestrator.store.account.acts import Signature

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
@click.option("--not-ours", is_flag=True, help="The unknown tasks are another program's: stop asking.")
@click.option("--accept-bill", is_flag=True, help="The bill is right as it is: book it, and go on.")
@why_option
@NO_REHEARSAL
def command(hours: int, *, not_ours: bool, accept_bill: bool, why: str | None) -> ExitCode:
    """Compare the last HOURS with the provider's list, bill and balance; book refunds and differences.

    Tasks that this database does not know are adopted by a pending job that wants just the same. What no
    job wants is other people's, unless the database may have forgotten something: then, and for tasks that a
    job may want, spending stays stopped until you give them to their jobs (`jobs adopt JOB TASK`) or say
    --not-ours. A bill that looks wrong (dearer than what was held, a fifth of it or less, a refund larger
    than its charge) is told until you say --accept-bill, which lets the models go on that it has stopped.
    After a restore, apply first what was applied since the backup. Exits with 0 when all agrees, 5 when
    somebody should look.
    """
    accepted = signature_of("reconcile --accept-bill", why) if accept_bill else None
    signed = signature_of("reconcile --not-ours" if not_ours else "reconcile", why)
    with opened() as app:
        report = asyncio.run(_reconcile(app, hours, signed, not_ours=not_ours, accept_bill=accepted))
    if out.as_json():
        out.document(_document(report))
    else:
        _tell(report)
    return ExitCode.DONE if report.agrees else ExitCode.OPERATOR


async def _reconcile(
    app: App, hours: int, signed: Signature, *, not_ours: bool, accept_bill: Signature | None
) -> Reconciliation:
    now = app.clock.now_ms()
    period = Period(
        start_ms=now - hours * HOUR_MS,
        end_ms=now,
        base_url=app.settings.provider.base_url,
        timezone=app.settings.budgets.timezone,
        drift_percent=app.settings.guards.price_drift_percent,
    )
    async with aclosing(app.provider()) as provider:
        return await reconcile(
            database=app.database,
            provider=provider,
            clock=app.clock,
            entropy=app.entropy,
            period=period,
            sidecars=app.artifacts().sidecar,
            signed=signed,
            not_ours=not_ours,
            accept_bill=accept_bill,
            mark=app.mark(),
        )


def _tell(report: Reconciliation) -> None:
    out.answer(f"From {rfc3339(report.start_ms)} to {rfc3339(report.end_ms)}")
    if not report.readable:
        out.answer(
            "The provider's list or bill could not be read whole; nothing was compared. Try again later."
        )
        return
    _tell_money(report)
    _tell_tasks(report)
    _tell_conclusion(report)


def _tell_money(report: Reconciliation) -> None:
    """What the bill says of our tasks."""
    out.answer(f"  matched      {count(report.matched, 'task')}, {usd(report.matched_micros)} billed")
    _tell_some(bill_text.single_lines(report))
    for line in bill_text.summary_lines(report):
        out.answer(f"  {line}")


def _tell_tasks(report: Reconciliation) -> None:
    """Tasks that only one side knows."""
    _tell_some([f"adopted      task {safe(task)} as job {job_id}" for task, job_id in report.adopted])
    _tell_some(
        [
            f"unknown      {_task(item.task)}: may be what job {', '.join(map(str, item.jobs))} waits for"
            for item in report.possible
            if item.jobs
        ]
    )
    _tell_group(
        "unknown     ", [item.task for item in report.possible if not item.jobs], ": no waiting job wants one"
    )
    _tell_group("not ours    ", report.unknown)
    billed = report.billed_unknown
    lines = [f"unknown      billed {usd(one.micros)} for task {safe(one.prediction_id)}" for one in billed]
    if len(lines) > 1:
        total = usd(sum(one.micros for one in billed))
        out.answer(f"  unknown      billed {total} for {count(len(lines), 'task')} (--verbose lists them)")
        for line in lines:
            out.detail(f"  {line}")
    else:
        _tell_some(lines)
    _tell_some([f"not billed   task {safe(prediction_id)}" for prediction_id in report.unbilled])


def _tell_conclusion(report: Reconciliation) -> None:
    """The balance, whether all agrees, and what is left to do."""
    if report.balance_micros is not None:
        out.answer(f"  balance      {usd(report.balance_micros)}")
    if report.in_doubt:
        out.answer(
            "  in doubt     some replies were lost, and may explain unknown tasks. A worker resolves what "
            "it can (orchestrator work --drain), you the rest (orchestrator in-doubt list); then run this "
            "again"
        )
    if report.to_decide:
        out.answer(
            "  to decide    a job may pay again for an unknown task. After a restore, apply every manifest "
            "that was applied since the backup and run this again; give what is left to its jobs, or say "
            "that it is not yours"
        )
    out.answer(bill_text.conclusion(report))
    out.next_steps(_next(report))


def _next(report: Reconciliation) -> list[tuple[str, str]]:
    steps = []
    if report.to_decide:
        steps += [
            ("orchestrator jobs adopt JOB TASK", "gives a task to the job that wants it"),
            ("orchestrator reconcile --not-ours", "they are another program's: goes on without them"),
        ]
    if not bill_text.bill_agrees(report):
        steps.append(
            ("orchestrator reconcile --accept-bill", "the bill is right: books it, and goes on at its prices")
        )
    if report.passed:
        steps.append(("orchestrator budget show", "shows every cap; `budget set` raises one"))
    return steps


def _tell_group(label: str, tasks: Sequence[Prediction], more: str = "") -> None:
    """Many tasks in one line: whose they are is one question; each of them with --verbose."""
    if not tasks:
        return
    if len(tasks) == 1:
        out.answer(f"  {label} {_task(tasks[0])}{more}")
        return
    times = [task.created_at_ms for task in tasks if task.created_at_ms is not None]
    span = f", created {rfc3339(min(times))} to {rfc3339(max(times))}" if times else ""
    models = ", ".join(sorted({safe(task.model or "a model that is not named") for task in tasks}))
    out.answer(f"  {label} {count(len(tasks), 'task')} of {models}{span}{more} (--verbose lists them)")
    for task in tasks:
        out.detail(f"               {_task(task)}")


def _tell_some(lines: list[str]) -> None:
    """The first lines; what is only reported once is never reported here."""
    for line in lines[:SHOWN_MAX]:
        out.answer(f"  {line}")
    if len(lines) > SHOWN_MAX:
        out.answer(f"  {'':11}  and {len(lines) - SHOWN_MAX:,} more: --json shows all")


def _task(task: Prediction) -> str:
    prompt = f", {safe(str(task.inputs.get('prompt', '')), 60)!r}" if task.inputs else ""
    return f"task {safe(task.id)} ({safe(task.status_text)}), created {rfc3339(task.created_at_ms)}{prompt}"


def _document(report: Reconciliation) -> dict[str, object]:
    return {
        "from": rfc3339(report.start_ms),
        "to": rfc3339(report.end_ms),
        "agrees": report.agrees,
        "readable": report.readable,
        "matched": report.matched,
        "billed_usd": format_usd(report.matched_micros),
        **bill_text.bill_document(report),
        "adjusted": [{"attempt": a, "usd": format_usd(m)} for a, m in report.adjusted],
        "surplus": [{"prediction_id": p, "usd": format_usd(m)} for p, m in report.surplus],
        "set_aside": report.set_aside,
        "refunds": {
            "seen": report.refunds_seen,
            "due": report.refunds_due,
            "due_usd": format_usd(report.refunds_due_micros),
        },
        "adopted": [{"prediction_id": p, "job": j} for p, j in report.adopted],
        "possible": [
            {"prediction_id": item.task.id, "status": item.task.status_text, "jobs": list(item.jobs)}
            for item in report.possible
        ],
        "unknown": [{"prediction_id": item.id, "status": item.status_text} for item in report.unknown],
        "billed_unknown": [
            {"prediction_id": item.prediction_id, "usd": format_usd(item.micros)}
            for item in report.billed_unknown
        ],
        "unbilled": report.unbilled,
        "in_doubt": report.in_doubt,
        "balance_usd": None if report.balance_micros is None else format_usd(report.balance_micros),
    }
