"""`orchestrator status`: what is done, spent, held and stopped."""

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.deciding import file_words
from orchestrator.cli.rendering.documents import status_document
from orchestrator.cli.rendering.folding import FoldedCaps, fold_caps, runs_to_show
from orchestrator.cli.rendering.jobs.acceptance_text import (
    acceptance_line,
    breakdown_document,
    breakdown_text,
)
from orchestrator.cli.rendering.jobs.doubts_text import doubts_words
from orchestrator.cli.rendering.money.forecast_text import forecast_text
from orchestrator.cli.rendering.remedies import remedies
from orchestrator.cli.rendering.schedule_text import schedule_table
from orchestrator.cli.rendering.stop_text import lasting, mark
from orchestrator.cli.rendering.words import bar, count, left_or_over, percent, safe, table, usd
from orchestrator.core.errors import ExitCode
from orchestrator.store.choosing.acceptance import breakdown
from orchestrator.store.money.caps import Cap
from orchestrator.store.stops.attention import OVERDUE_TASKS
from orchestrator.store.views.runs import overview
from orchestrator.store.views.runs.overview import Overview, RunRow

RUNS_SHOWN = 20


@declare("status", short_help="Runs, money, and what is stopped and why.")
@click.option(
    "--all", "show_all", is_flag=True, help="Every run and every cap, also of runs that are finished."
)
@SANDBOX
@click.option(
    "--by",
    "kinds",
    multiple=True,
    type=click.Choice(["axis", "tag", "prompt"]),
    help="What was accepted, and what an accepted picture cost, by this; may repeat.",
)
def command(*, show_all: bool, kinds: tuple[str, ...]) -> ExitCode:
    """Runs with their jobs by state and their money, the budgets, and what is stopped and why.

    Where there are verdicts: how many were accepted, and what an accepted picture cost with all that was
    spent, also on rejected and failed tries.
    """
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        status = overview.status(tx, app.settings.budgets.timezone)
        differences = file_words(app).differences(tx)
        now, settings = tx.now, app.settings
        found = breakdown(tx, list(status.accepted)) if kinds and status.accepted else []
    by = [row for row in found if row.kind in kinds]
    if out.as_json():
        accepted_by = {"accepted_by": breakdown_document(by)} if kinds else {}
        out.document({**status_document(status, differences, now=now), **accepted_by})
        return ExitCode.DONE
    if not status.runs and not status.schedules:
        out.answer("No runs yet.")
        out.next_steps(
            [("orchestrator plan MANIFEST", "prices a manifest"), ("orchestrator demo", "shows a batch")]
        )
        return ExitCode.DONE
    out.answer(_text(status, now, timezone=settings.budgets.timezone, show_all=show_all))
    if kinds:
        out.answer(f"\n{breakdown_text(by)}")
    if doubts := doubts_words(status.doubts, settings, now):
        out.answer(f"lost replies  {doubts}")
    for item in differences:
        out.warn(safe(item.comparison))
    out.next_steps(_next(status))
    return ExitCode.DONE


def _text(status: Overview, now: int, *, timezone: str, show_all: bool) -> str:
    runs = status.runs if show_all else runs_to_show(status.runs, RUNS_SHOWN)
    reused = any(row.jobs["reused"] for row in runs)
    header = [
        "run",
        "waiting",
        "running",
        "done",
        *(["reused"] if reused else []),
        "failed",
        "cancelled",
        "in doubt",
        "images",
        "flagged",
        "spent",
        "held",
    ]
    blocks = [
        table(header, [_run(row, reused=reused) for row in runs], right=frozenset(range(1, len(header))))
        if runs
        else "No runs yet."
    ]
    if len(runs) < len(status.runs):
        blocks.append(f"and {len(status.runs) - len(runs)} older runs (--all shows them)")
    folded = FoldedCaps(status.caps, 0) if show_all else fold_caps(status.caps, status.runs)
    if folded.shown:
        header = ["budget", "window", "spent", "held", "cap", "left", ""]
        blocks += ["", table(header, [_budget(cap) for cap in folded.shown], right=frozenset({2, 3, 4, 5}))]
    if folded.folded:
        blocks.append(f"and {count(folded.folded, 'cap')} of finished runs (--all shows them)")
    if told := forecast_text(status.forecasts, timezone):
        blocks += ["", told]
    if status.schedules:
        blocks += ["", schedule_table(list(status.schedules), now)]
    for row in runs:
        if row.id in status.accepted:
            blocks.append(acceptance_line(f"{row.campaign}/{row.name}/{row.run}", status.accepted[row.id]))
    for stop in status.stops:
        word = mark(stop)
        shown = word if word == "waiting" else click.style(word, fg="yellow")
        blocks.append(f"{shown}  {lasting(stop, now)}")
    return "\n".join(blocks)


def _run(row: RunRow, *, reused: bool) -> list[str]:
    shown = ["pending", "running", "succeeded", *(["reused"] if reused else []), "failed", "cancelled"]
    states = [f"{row.jobs[state]:,}" for state in shown]
    numbers = [*states, f"{row.in_doubt:,}", f"{row.stored:,}", f"{row.nsfw:,}"]
    return [
        safe(f"{row.campaign}/{row.name}/{row.run}", 48),
        *numbers,
        usd(row.spent_micros),
        usd(row.held_micros),
    ]


def _budget(cap: Cap) -> list[str]:
    used = cap.counted_micros
    owner = "account" if cap.scope == "account" else f"{cap.scope} {cap.name}"
    share = f"{bar(used / cap.cap_micros if cap.cap_micros else 1)} {percent(used, cap.cap_micros)}"
    amounts = [cap.spent_micros, cap.reserved_micros, cap.cap_micros]
    return [safe(owner, 40), cap.window, *map(usd, amounts), left_or_over(cap), share]


def _next(status: Overview) -> list[tuple[str, str]]:
    steps = []
    if status.doubts.for_a_person:
        steps.append(("orchestrator in-doubt list", "shows what may have been paid"))
    elif any(stop.reason == OVERDUE_TASKS for stop in status.stops):
        steps.append(("orchestrator in-doubt list", "shows the tasks to ask the provider about"))
    if any(row.jobs["failed"] for row in status.runs):
        steps.append(("orchestrator jobs list --state failed", "shows what failed and why"))
    steps += remedies(stop for stop in status.stops if stop.scope == "schedule")
    if any(row.jobs["pending"] for row in status.runs):
        steps += remedies(status.stops) or [("orchestrator work --drain", "works on what waits")]
    if not status.runs:
        steps.append(("orchestrator schedule list", "shows when each fires"))
    return steps or [("orchestrator review", "shows the pictures, to accept, reject and redo")]
