"""Refunds that the provider owes: counted against the caps until they are seen or their window has passed."""

from typing import Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.states import RESERVATION_TRANSITIONS, ReservationEvent, ReservationState, step
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import REFUND_IS_DUE, LedgerKind, attempts
from orchestrator.store.money import ledger

LAPSE_MAX: Final = 500


def lapse(tx: Tx) -> int:
    """Release money whose refund window has passed; returns for how many attempts. When that is `LAPSE_MAX`,
    there may be more: call again.

    The bill of each attempt is then read once more: if it shows that the provider kept the money, the money
    counts as spent.
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
