"""Refunds that the provider owes: counted against the caps until they are seen or their window has passed."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.states import RESERVATION_TRANSITIONS, ReservationEvent, ReservationState, step
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import REFUND_IS_DUE, LedgerKind, attempts
from orchestrator.store.money import ledger

LAPSE_MAX: Final = 500
OVERDUE_MS: Final = 15 * 60_000
"""How long after its window a refund is reported that still waits for the bill to be read."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Refunds whose window has passed and that the bill was not read for since."""

    attempts: int
    micros: int


def overdue(tx: Tx) -> Overdue:
    """What is still held for refunds that should have come."""
    row = tx.conn.execute(_OVERDUE, {"by": tx.now - OVERDUE_MS}).one()
    return Overdue(row.number, row.micros)


def lapse(tx: Tx) -> int:
    """Release money whose refund window has passed, where no bill can tell whether it came; returns for how
    many attempts. When that is `LAPSE_MAX`, there may be more: call again.

    Where the bill can be read, only a reading after the window ends the wait: see `bill_lines`. Should the
    key get to read it later, it is read once more for each.
    """
    rows = tx.conn.execute(dialect.lock_rows(tx.conn, _LAPSED), {"now": tx.now, "most": LAPSE_MAX}).all()
    if not rows:
        return 0
    tx.conn.execute(_RELEASE, [{"a_id": row.id} for row in rows])
    ledger.post(
        tx,
        [
            ledger.Movement(
                kind=LedgerKind.REFUND_LAPSED,
                attempt_id=row.id,
                run_id=row.run_id,
                campaign_id=row.campaign_id,
                day=row.day,
                refund_due_delta=-row.price_micros,
            )
            for row in rows
        ],
    )
    return len(rows)


_OVERDUE: Final = select(
    func.count().label("number"), func.coalesce(func.sum(attempts.c.price_micros), 0).label("micros")
).where(REFUND_IS_DUE, attempts.c.refund_until <= bindparam("by"))
_LAPSED: Final = (
    select(attempts.c.id, attempts.c.run_id, attempts.c.campaign_id, attempts.c.day, attempts.c.price_micros)
    .where(REFUND_IS_DUE, attempts.c.refund_until <= bindparam("now"))
    .order_by(attempts.c.refund_until)
    .limit(bindparam("most"))
)
_RELEASE: Final = (
    update(attempts)
    .where(attempts.c.id == bindparam("a_id"), attempts.c.reservation == ReservationState.REFUND_DUE.value)
    .values(
        reservation=step(
            RESERVATION_TRANSITIONS, ReservationState.REFUND_DUE, ReservationEvent.REFUND_LAPSED
        ).value,
        refund_until=None,
        billed_at=None,
    )
)
