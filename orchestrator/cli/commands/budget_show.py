"""`orchestrator budget show`: every cap with what counts under it, now or in a period that is past."""

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.documents import budget_document
from orchestrator.cli.rendering.folding import FoldedCaps, fold_caps
from orchestrator.cli.rendering.words import bar, count, left_or_over, percent, safe, table, usd
from orchestrator.cli.selecting import need_period
from orchestrator.core.budget import day_of
from orchestrator.core.errors import ExitCode
from orchestrator.core.money import format_usd
from orchestrator.store.money.caps import Cap, caps_in_force
from orchestrator.store.money.past_caps import PeriodSums, sums_of_period
from orchestrator.store.views.runs import overview


@declare("show", short_help="Every cap with what counts under it; any month or day.")
@click.option(
    "--period",
    metavar="YYYY-MM[-DD]",
    help="What counted in this month or on this day, also of campaigns without a cap.",
)
@click.option("--all", "show_all", is_flag=True, help="The caps of finished runs too; with --period, runs.")
@SANDBOX
def show(*, period: str | None, show_all: bool) -> ExitCode:
    """Every cap with what is spent, held and left in its current period. With --json one object a line."""
    if period is not None:
        return _show_period(period, show_all=show_all)
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows = caps_in_force(tx, day_of(tx.now, app.settings.budgets.timezone))
        folded = FoldedCaps(rows, 0) if show_all else fold_caps(rows, overview.runs(tx))
    if out.as_json():
        for row in rows:
            out.line(budget_document(row))
    elif not rows:
        out.answer("There are no caps. Set one with: orchestrator budget set account --month 800.00")
    else:
        header = ["scope", "window", "cap", "spent", "held", "left", "", ""]
        out.answer(table(header, [_line(row) for row in folded.shown], right=frozenset({2, 3, 4, 5, 7})))
        if folded.folded:
            out.note(
                f"{count(folded.folded, 'cap')} of finished runs: orchestrator budget show --all shows them"
            )
    return ExitCode.DONE


def _line(row: Cap) -> list[str]:
    return [
        safe(row.name if row.scope == "account" else f"{row.scope} {row.name}", 48),
        row.window,
        usd(row.cap_micros),
        usd(row.spent_micros),
        usd(row.reserved_micros),
        left_or_over(row),
        bar(row.counted_micros / row.cap_micros if row.cap_micros else 1.0),
        percent(row.counted_micros, row.cap_micros),
    ]


def _show_period(period: str, *, show_all: bool) -> ExitCode:
    need_period(period)
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows = sums_of_period(tx, period, with_runs=show_all)
    if out.as_json():
        for row in rows:
            out.line(_document(row))
    elif not rows:
        out.answer(f"Nothing was spent or held in {period}.")
    else:
        header = ["scope", "period", "spent", "held", "cap now"]
        out.answer(table(header, [_period_line(row) for row in rows], right=frozenset({2, 3, 4})))
    if len(period) == len("2026-11"):
        out.next_steps([(f"orchestrator report month {period}", "shows what it was spent on")])
    return ExitCode.DONE


def _period_line(row: PeriodSums) -> list[str]:
    name = row.name if row.scope == "account" else f"{row.scope} {row.name}"
    cap = "none" if row.cap_micros is None else usd(row.cap_micros)
    return [safe(name, 48), row.period, usd(row.spent_micros), usd(row.held_micros), cap]


def _document(row: PeriodSums) -> dict[str, object]:
    return {
        "scope": row.scope.value,
        "name": row.name,
        "period": row.period,
        "spent_usd": format_usd(row.spent_micros),
        "held_usd": format_usd(row.held_micros),
        "cap_usd": None if row.cap_micros is None else format_usd(row.cap_micros),
    }
