"""The ledger's lines of a month: their sums, those beyond holds and settlements, and those that came after
their own month was closed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.month import month_of, next_month, owner_of_late_line
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    attempts,
    balances,
    bill_entries,
    closed_months,
    ledger,
)


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One line of the ledger; in micros."""

    id: int
    at: int
    month: str  # in which it counts
    kind: str
    attempt_id: int | None
    run_id: int
    spent: int
    held: int
    due: int


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """Lines together; in micros."""

    lines: int
    spent: int
    open: int


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """What a month was closed with; in micros."""

    month: str
    ledger_from: int
    ledger_to: int
    totals: MonthTotals
    timezone: str
    digest: str
    closed_at: int
    who: str


def closed(tx: Tx) -> dict[str, ClosedMonth]:
    """Every closed month, oldest first."""
    return {row.month: _closed(row) for row in tx.conn.execute(_CLOSED)}


def totals(tx: Tx, month: str) -> MonthTotals:
    """All lines that count in the month, whenever they came."""
    row = tx.conn.execute(_TOTALS, _days(month)).one()
    return MonthTotals(row.lines, int(row.spent), int(row.open))


def standing(tx: Tx, month: str) -> MonthTotals:
    """What the caps are held against in that month: the running sums."""
    row = tx.conn.execute(_STANDING, {"month": month}).one_or_none()
    return MonthTotals(0, 0, 0) if row is None else MonthTotals(0, row.spent, row.open)


def late_lines(tx: Tx, timezone: str, closings: Mapping[str, ClosedMonth]) -> dict[str, list[MonthLine]]:
    """Lines that came after the month they count in was closed, by the month in whose statement they
    stand.
    """
    ends = {month: one.ledger_to for month, one in closings.items()}
    found: dict[str, list[MonthLine]] = {}
    asked = {"after": min(ends.values()), "open": next_month(max(ends))} if ends else {}
    for row in tx.conn.execute(_LATE, asked) if ends else ():
        line = _line(row)
        came_in = month_of(line.at, timezone)
        owner = owner_of_late_line(line.month, came_in, line.id, closed=ends)
        found.setdefault(owner, []).append(line)
    return found


@dataclass(frozen=True, slots=True)
class OtherEntries:
    """What is on the bill of a time beside the charges of attempts; in micros."""

    what: str  # of BillEntry
    charged: int
    refunded: int


def other_entries(tx: Tx, start: int, end: int) -> list[OtherEntries]:
    """By what they are; a task that a job has by now is not another program's."""
    return [
        OtherEntries(row.what, int(row.charged), int(row.refunded))
        for row in tx.conn.execute(_OTHERS, {"start": start, "end": end})
    ]


def _days(month: str) -> dict[str, str]:
    return {"first": f"{month}-01", "last": f"{month}-31"}


def _closed(row: Any) -> ClosedMonth:
    return ClosedMonth(
        month=row.month,
        ledger_from=row.ledger_from,
        ledger_to=row.ledger_to,
        totals=MonthTotals(row.lines, row.spent_micros, row.open_micros),
        timezone=row.timezone,
        digest=row.digest,
        closed_at=row.closed_at,
        who=row.who,
    )


def _line(row: Any) -> MonthLine:
    return MonthLine(
        id=row.id,
        at=row.at,
        month=row.day[:7],
        kind=row.kind,
        attempt_id=row.attempt_id,
        run_id=row.run_id,
        spent=row.spent_delta,
        held=row.held_delta,
        due=row.refund_due_delta,
    )


def attempt_ids(lines: Sequence[MonthLine]) -> list[int]:
    """The attempts that lines are about."""
    return sorted({line.attempt_id for line in lines if line.attempt_id is not None})


_OPEN: Final = ledger.c.held_delta + ledger.c.refund_due_delta
_IN_MONTH: Final = ledger.c.day.between(bindparam("first"), bindparam("last"))
_TOTALS: Final = select(
    func.count().label("lines"),
    func.coalesce(func.sum(ledger.c.spent_delta), 0).label("spent"),
    func.coalesce(func.sum(_OPEN), 0).label("open"),
).where(_IN_MONTH)
_STANDING: Final = select(
    balances.c.spent_micros.label("spent"),
    (balances.c.held_micros + balances.c.refund_due_micros).label("open"),
).where(balances.c.scope == "account", balances.c.period == bindparam("month"))
_LINES: Final = select(ledger)
_CLOSED: Final = select(closed_months).order_by(closed_months.c.month)
_LATE: Final = (
    _LINES.join(closed_months, closed_months.c.month == func.substr(ledger.c.day, 1, 7))
    .where(
        ledger.c.id > bindparam("after"),
        ledger.c.day < bindparam("open"),  # most lines count in a month that is open: no look at the others
        ledger.c.id > closed_months.c.ledger_to,
    )
    .order_by(ledger.c.id)
)
_OTHERS: Final = (
    select(
        bill_entries.c.what,
        func.sum(bill_entries.c.charged_micros).label("charged"),
        func.sum(bill_entries.c.refunded_micros).label("refunded"),
    )
    .outerjoin(attempts, attempts.c.prediction_id == bill_entries.c.prediction_id)
    .where(
        bill_entries.c.at >= bindparam("start"),
        bill_entries.c.at < bindparam("end"),
        attempts.c.id.is_(None),
    )
    .group_by(bill_entries.c.what)
    .order_by(bill_entries.c.what)
)
