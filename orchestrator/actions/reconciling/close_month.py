"""Closing a month: its statement is frozen, and what comes later stands in the statement of its own month."""

from dataclasses import dataclass

from orchestrator.actions.reconciling.month_statement import MonthStatement, month_statement
from orchestrator.core.errors import UsageError
from orchestrator.core.moments import iso_time
from orchestrator.core.month import month_ms
from orchestrator.store.account.acts import Change, Signature, record
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.money import closing
from orchestrator.store.money.closing import Freezing, MonthClosing
from orchestrator.store.views.money import month_lines
from orchestrator.store.views.money.month_lines import ClosedMonth


@dataclass(frozen=True, slots=True)
class ClosingAnswer:
    """What came of it. `statement` is the month's, as it is frozen."""

    statement: MonthStatement
    already: bool  # somebody had closed it
    changed: tuple[str, ...] = ()  # frozen lines that are not as they were

    @property
    def wrong(self) -> tuple[str, ...]:
        """Why nothing was closed, or what was found under what is closed."""
        return (*self.statement.wrong, *self.changed)

    @property
    def closed(self) -> ClosedMonth | None:
        """What stands; None: nothing was closed, because it does not add up."""
        return self.statement.closed


def close_month(database: Database, month: str, timezone: str, *, signed: Signature) -> ClosingAnswer:
    """Freeze a month that is over and adds up. Of two who close it at once one does, and the other is told.

    The lock that finds the last line is held for a moment only; the lines up to there are read after it,
    while workers go on.
    """
    with database.write() as tx:
        _require_closable(tx, month, timezone)
        lines = Freezing(closing.frozen_up_to(tx), closing.last_line(tx))
    with database.read() as tx:
        statement = month_statement(tx, month, timezone)
        if statement.closed is not None:
            return ClosingAnswer(statement, already=True, changed=_changed(tx))
        if statement.wrong:
            return ClosingAnswer(statement, already=False)
        own, spent, still_open = closing.own_sums(tx, month, lines.ledger_to)
        wanted = MonthClosing(
            month=month,
            lines=lines,
            own_lines=own,
            spent_micros=spent,
            open_micros=still_open,
            timezone=timezone,
            digest=closing.digest(tx, lines),
            who=f"{signed.who}@{signed.host}",
        )
    with database.write() as tx:
        done = closing.close(tx, wanted)
        if done:
            record(tx, signed, Change(f"month {month}", None, f"closed with line {lines.ledger_to}"))
    with database.read() as tx:
        return ClosingAnswer(month_statement(tx, month, timezone), already=not done)


def _require_closable(tx: Tx, month: str, timezone: str) -> None:
    if month in month_lines.closed(tx):
        return
    over = month_ms(month, timezone)[1]
    if tx.now < over:
        raise UsageError(
            f"{month} is not over: it can be closed from {iso_time(over)} on (midnight in {timezone}). "
            "Nothing was closed."
        )
    open_before = closing.months_before(tx, month)
    if open_before:
        raise UsageError(
            f"Months are closed in their order, and {', '.join(open_before)} is open. First: orchestrator "
            f"report close {open_before[0]}"
        )


def _changed(tx: Tx) -> tuple[str, ...]:
    return tuple(
        f"the lines of the ledger that {month} was closed with are not as they were: digest {was[:12]}, now "
        f"{now[:12]}"
        for month, was, now in closing.changed_months(tx)
    )
