"""What reconcile reads of our side."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select

from orchestrator.core.states import ReservationState
from orchestrator.store.database import Tx
from orchestrator.store.lookups import chunks
from orchestrator.store.schema import attempts


@dataclass(frozen=True, slots=True)
class Ours:
    """An attempt that holds a prediction."""

    attempt_id: int
    prediction_id: str
    price_micros: int
    refund_due: bool


def owners(tx: Tx, prediction_ids: Sequence[str]) -> dict[str, Ours]:
    """By prediction: the attempt that holds it."""
    found: dict[str, Ours] = {}
    for chunk in chunks(prediction_ids):
        for row in tx.conn.execute(_OURS.where(attempts.c.prediction_id.in_(chunk))).mappings():
            found[row["prediction_id"]] = _ours(row)
    return found


def accepted_between(tx: Tx, start_ms: int, end_ms: int) -> list[Ours]:
    """Attempts whose prediction was accepted in the period, oldest first."""
    query = _OURS.where(attempts.c.accepted_at >= start_ms, attempts.c.accepted_at < end_ms).order_by(
        attempts.c.id
    )
    return [_ours(row) for row in tx.conn.execute(query).mappings()]


_OURS = select(
    attempts.c.id, attempts.c.prediction_id, attempts.c.price_micros, attempts.c.reservation
).where(attempts.c.prediction_id.is_not(None))


def _ours(fields: RowMapping) -> Ours:
    return Ours(
        fields["id"],
        fields["prediction_id"],
        fields["price_micros"],
        fields["reservation"] == ReservationState.REFUND_DUE.value,
    )
