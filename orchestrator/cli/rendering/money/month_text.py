"""A month's statement in words."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.actions.reconciling.close_month import ClosingAnswer
from orchestrator.actions.reconciling.month_bridge import WORDS
from orchestrator.actions.reconciling.month_rows import StatementRow
from orchestrator.actions.reconciling.month_statement import MonthStatement
from orchestrator.cli.rendering.words import count, safe, table, usd
from orchestrator.core.moments import iso_time
from orchestrator.core.month import Equation

if TYPE_CHECKING:
    from collections.abc import Sequence

MONEY = ("charged", "refunded", "adjusted", "written_off", "net", "held_open")
COUNTS = ("images", "accepted", "nsfw", "failed_paid")
REUSE = ("reused", "avoided")


def text(found: MonthStatement, view: str | None) -> str:
    """Both views with the bridge, or one of them."""
    blocks = []
    if view != "billed":
        blocks.append(_booked(found))
    if view != "booked":
        blocks.append(_billed(found))
    if view is None:
        blocks += [_bridge(found), _equation(found)]
    if found.closed is not None:
        blocks.append(
            f"closed       {iso_time(found.closed.closed_at)} by {safe(found.closed.who)}, up to line "
            f"{found.closed.ledger_to:,} of the ledger, digest {found.closed.digest[:12]}"
        )
    elif not found.is_over:
        blocks.append(f"{found.month} is not over.")
    blocks += [f"does not add up: {each}" for each in found.wrong]
    return "\n\n".join(blocks)


def closing_text(answer: ClosingAnswer) -> str:
    """What came of closing a month."""
    closed, month = answer.closed, answer.statement.month
    if closed is None:
        said = [f"{month} does not add up, so nothing was closed."]
    elif answer.already:
        said = [f"{month} was closed before, at {iso_time(closed.closed_at)} by {safe(closed.who)}."]
        said += [] if answer.wrong else ["Its lines are as they were."]
    else:
        lines, spent = count(closed.totals.lines, "line"), usd(closed.totals.spent)
        said = [f"{month} is closed: {lines}, {spent} spent, up to line {closed.ledger_to:,} of the ledger."]
        if closed.totals.open:
            said.append(
                f"{usd(closed.totals.open)} is still held or owed: it stands as prior period in the month in "
                "which it moves."
            )
    return "\n".join([*said, *(f"does not add up: {each}" for each in answer.wrong)])


def _booked(found: MonthStatement) -> str:
    title = f"booked {found.month}, by the day of admission ({safe(found.timezone)}): what caps saw"
    prior = [row for row in found.booked if row.period != found.month]
    reuse = any(row.reused for row in found.booked)
    header = [
        *(safe(name) for name in found.by),
        *(["period"] if prior else []),
        *MONEY,
        *COUNTS,
        "per image",
        *(REUSE if reuse else []),
    ]
    rows = [_row(row, found.month, wide=bool(prior), reuse=reuse) for row in found.booked]
    whole = StatementRow(("total", *("" for _ in found.by[1:])), "", amounts=found.booked_total)
    for name in (*COUNTS, *REUSE):
        setattr(whole, name, sum(getattr(row, name) for row in found.booked))
    rows.append(_row(whole, "", wide=bool(prior), reuse=reuse))
    first = len(found.by) + bool(prior)
    return f"{title}\n{table(header, rows, right=frozenset(range(first, len(header))))}"


def _row(row: StatementRow, month: str, *, wide: bool, reuse: bool) -> list[str]:
    period = [] if not wide else ["" if row.period == month else f"prior period {row.period}".rstrip()]
    amounts = [usd(getattr(row.amounts, name)) for name in MONEY]
    return [
        *(safe(value, 40) for value in row.values),
        *period,
        *amounts,
        *(f"{getattr(row, name):,}" for name in COUNTS),
        "" if row.cost_per_image is None else usd(row.cost_per_image),
        *([f"{row.reused:,}", usd(row.avoided)] if reuse else []),
    ]


def _billed(found: MonthStatement) -> str:
    title = f"billed {found.month}, by the day of the provider's bill (UTC)"
    names: list[tuple[Sequence[str], int, int]] = [
        (row.values, row.charged, row.refunded) for row in found.billed
    ]
    names += [((WORDS[row.what],), row.charged, row.refunded) for row in (*found.others, *found.parts)]
    whole = found.billed_total
    names.append((("total",), whole.charged, whole.refunded))
    width = len(found.by)
    rows = [
        [
            *(safe(value, 40) for value in values),
            *("" for _ in range(width - len(values))),
            usd(charged),
            usd(refunded),
            usd(charged - refunded),
        ]
        for values, charged, refunded in names
    ]
    header = [*(safe(name) for name in found.by), "charged", "refunded", "net"]
    return f"{title}\n{table(header, rows, right=frozenset(range(width, width + 3)))}"


def _bridge(found: MonthStatement) -> str:
    whole = found.billed_total
    rows = [["booked", usd(found.booked_total.net)]]
    rows += [[f"  {WORDS[line.reason]}", usd(line.micros)] for line in found.bridge]
    rows.append(["billed", usd(whole.charged - whole.refunded)])
    return f"bridge\n{table(['', ''], rows, right=frozenset({1})).lstrip()}"


def _equation(found: MonthStatement) -> str:
    equation = found.equation
    if equation is None:
        return (
            "balance      not checked: it was not read at two moments about this month (workers and "
            "`orchestrator reconcile` read it)"
        )
    rows = [
        ["opening balance", usd(equation.opening), f"as read {_minute(equation.read_at[0])}"],
        ["+ top-ups", usd(equation.top_ups), "by which the balance rose"],
        ["- billed", usd(equation.billed), ""],
        ["+ refunds", usd(equation.refunded), ""],
        ["= closing balance", usd(equation.closing), f"as read {_minute(equation.read_at[1])}"],
    ]
    shown = table(["balance", "", ""], rows, right=frozenset({1}))
    return f"{shown}\n{_verdict(equation)}"


def _verdict(equation: Equation) -> str:
    if not equation.unexplained:
        return "It adds up."
    more = "more" if equation.unexplained > 0 else "less"
    return (
        f"The account has {usd(abs(equation.unexplained))} {more} than that: on a bill that was not read, or "
        "of other programs. See: orchestrator reconcile --hours 744"
    )


def _minute(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
