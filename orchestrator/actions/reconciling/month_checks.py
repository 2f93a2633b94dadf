"""Whether a month's statement adds up: to the ledger, to the sums that caps are held against, to the bill,
and to what the account had left.
"""

from collections.abc import Iterable, Sequence

from orchestrator.actions.reconciling.month_bridge import BridgeLine
from orchestrator.actions.reconciling.month_rows import BilledRow, StatementRow
from orchestrator.core.budget import day_of
from orchestrator.core.money import format_usd
from orchestrator.core.month import BalancePoint, Equation, ends_of, rises, total_of
from orchestrator.store.db.database import Tx
from orchestrator.store.money import balance_days
from orchestrator.store.views.money import month_lines
from orchestrator.store.views.money.billed_between import net_between
from orchestrator.store.views.money.month_lines import ClosedMonth, MonthLine
from orchestrator.store.views.money.month_sums import MonthBounds


def against_ledger(
    tx: Tx,
    month: str,
    booked: Sequence[StatementRow],
    *,
    moved: Sequence[MonthLine],
    closed: ClosedMonth | None,
) -> list[str]:
    """Three things that must be one: the rows, the ledger, the sums that caps are held against."""
    ledger, stands = month_lines.totals(tx, month), month_lines.standing(tx, month)
    late_spent, late_open = sum(line.spent for line in moved), sum(line.held + line.due for line in moved)
    own = total_of(row.amounts for row in booked if row.period == month)
    pairs = [
        ("spent by the rows and by the ledger", own.net, ledger.spent - late_spent),
        ("open by the rows and by the ledger", own.held_open, ledger.open - late_open),
        ("spent by the ledger and by the balance of the caps", ledger.spent, stands.spent),
        ("open by the ledger and by the balance of the caps", ledger.open, stands.open),
    ]
    if closed is not None:
        pairs += [
            ("spent when it was closed and now", closed.totals.spent, ledger.spent - late_spent),
            ("open when it was closed and now", closed.totals.open, ledger.open - late_open),
            ("lines when it was closed and now", closed.totals.lines, ledger.lines - len(moved)),
        ]
    return [f"{what}: {_told(what, one)}, {_told(what, two)}" for what, one, two in pairs if one != two]


def against_bill(
    booked: Sequence[StatementRow],
    billed: BilledRow,
    bridge: Iterable[BridgeLine],
) -> list[str]:
    """The bridge must lead from one view to the other."""
    found = billed.charged - billed.refunded
    bridged = total_of(row.amounts for row in booked).net + sum(line.micros for line in bridge)
    if found == bridged:
        return []
    return [f"booked with the bridge, and billed: ${format_usd(bridged)}, ${format_usd(found)}"]


def _told(what: str, number: int) -> str:
    return f"{number:,}" if what.startswith("lines") else f"${format_usd(number)}"


def equation_of(tx: Tx, bounds: MonthBounds, billed: BilledRow) -> Equation | None:
    """Opening balance + top-ups - billed + refunds = closing balance, as far as the balance was read. The
    bill tells what happened between midnight and a reading; a balance that rose was topped up.
    """
    first, last = (day_of(at, "UTC") for at in (bounds.start, bounds.end - 1))
    points = [BalancePoint(one.at, one.micros) for one in balance_days.readings(tx, first, last)]
    ends = ends_of(points, bounds.start, bounds.end)
    if ends is None:
        return None
    opening, closing = ends
    paid_in = 0
    for one, two in rises(points, opening.at, closing.at):
        paid_in += max(0, two.micros - one.micros + net_between(tx, one.at, two.at))
    until = min(bounds.end - 1, max(closing.at, tx.now))
    return Equation(
        opening=opening.micros + net_between(tx, bounds.start - 1, opening.at),
        top_ups=paid_in,
        billed=billed.charged,
        refunded=billed.refunded,
        closing=closing.micros - net_between(tx, closing.at, until),
        read_at=(opening.at, closing.at),
    )
