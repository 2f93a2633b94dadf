"""A month's statement: what caps saw (booked), what the provider's bill says (billed), and the bridge between
them, each checked to the last micro-dollar.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.actions.reconciling.month_bridge import BridgeLine, bridge_of
from orchestrator.actions.reconciling.month_checks import against_bill, against_ledger, equation_of
from orchestrator.actions.reconciling.month_rows import (
    BilledRow,
    Placing,
    StatementRow,
    billed_rows,
    booked_rows,
    dimension_of,
    prior_rows,
    refuse_unknown,
    summed,
)
from orchestrator.core.month import Amounts, Equation, month_ms, total_of
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import BillEntry
from orchestrator.store.views.money import month_lines, month_money, month_reuse, month_sums
from orchestrator.store.views.money.month_lines import ClosedMonth, OtherEntries
from orchestrator.store.views.money.month_sums import MonthBounds
from orchestrator.store.views.runs.run_names import run_names


@dataclass(frozen=True, slots=True)
class MonthStatement:
    """What there is to say of a month; in micros."""

    month: str
    timezone: str
    by: tuple[str, ...]
    booked: Sequence[StatementRow]
    billed: Sequence[BilledRow]
    others: Sequence[OtherEntries]  # on the bill, and no attempt's
    parts: Sequence[OtherEntries]  # charges and refunds of attempts on other days than the last
    bridge: Sequence[BridgeLine]
    equation: Equation | None  # None: the balance was not read near both ends
    closed: ClosedMonth | None
    is_over: bool
    wrong: Sequence[str]  # what does not add up

    @property
    def booked_total(self) -> Amounts:
        """The sum of the booked view."""
        return total_of(row.amounts for row in self.booked)

    @property
    def billed_total(self) -> BilledRow:
        """The sum of the billed view."""
        return summed([*self.billed, *self.others, *self.parts])


def month_statement(
    tx: Tx, month: str, timezone: str, *, by: Sequence[str] = ("campaign",)
) -> MonthStatement:
    """Read and check one month in one view of the database; `by` as `dimension_of` takes it."""
    bounds = MonthBounds(month, *month_ms(month, "UTC"))
    wanted = [found for name in by if (found := dimension_of(name)) is not None]
    closings = month_lines.closed(tx)
    late = month_lines.late_lines(tx, timezone, closings)
    moved = [line for lines in late.values() for line in lines if line.month == month]
    prior = late.get(month, [])
    sums = month_money.money(tx, bounds, wanted)
    refuse_unknown(tx, wanted, sums)
    placing = Placing(
        by=by,
        runs=run_names(tx),
        groups=month_sums.groups_of(tx, month_lines.attempt_ids([*moved, *prior]), wanted),
    )
    served = month_reuse.reused(tx, *month_ms(month, timezone), wanted)
    booked = [
        *booked_rows(tx, bounds, wanted, placing=placing, sums=sums, moved=moved, reused=served),
        *prior_rows(prior, placing),
    ]
    others = month_lines.other_entries(tx, bounds.start, bounds.end)
    billed = billed_rows(sums, placing)
    whole = summed([*billed, *others])
    bridge = bridge_of(list(sums.values()), others, moved=moved, prior=prior)
    wrong = [
        *against_ledger(tx, month, booked, moved=moved, closed=closings.get(month)),
        *against_bill(booked, whole, bridge),
    ]
    return MonthStatement(
        month=month,
        timezone=timezone,
        by=tuple(by),
        booked=booked,
        billed=billed,
        others=[each for each in others if each.what != BillEntry.PART.value],
        parts=[each for each in others if each.what == BillEntry.PART.value],
        bridge=bridge,
        equation=equation_of(tx, bounds, whole),
        closed=closings.get(month),
        is_over=tx.now >= month_ms(month, timezone)[1],
        wrong=wrong,
    )
