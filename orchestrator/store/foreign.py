"""Predictions of the account that no attempt of ours holds: noted once, so that they are never taken for ours."""

from typing import Final

from sqlalchemy import Column, Select, bindparam, select

from orchestrator.store import dialect
from orchestrator.store.database import Tx
from orchestrator.store.lookups import chunks
from orchestrator.store.schema import attempts, foreign_predictions


def note(tx: Tx, prediction_id: str, model: str | None, created_at: int | None, why: str) -> None:
    """Record a prediction that is not to be matched with anything; a repeat changes nothing."""
    tx.conn.execute(
        dialect.insert(tx.conn, foreign_predictions)
        .values(prediction_id=prediction_id, model=model, created_at=created_at, noted_at=tx.now, note=why)
        .on_conflict_do_nothing(index_elements=["prediction_id"])
    )


def unknown(tx: Tx, prediction_ids: list[str]) -> set[str]:
    """Which of these predictions no attempt holds and nobody has noted."""
    known: set[str] = set()
    for chunk in chunks(prediction_ids):
        for query in (_HELD, _NOTED):
            known.update(tx.conn.execute(query, {"ids": chunk}).scalars())
    return set(prediction_ids) - known


def unheld(tx: Tx, prediction_ids: list[str]) -> set[str]:
    """Which of these predictions no attempt holds."""
    return set(prediction_ids) - set(tx.conn.execute(_HELD, {"ids": prediction_ids}).scalars())


def _among_ids(column: Column[str]) -> Select[str]:
    return select(column).where(column.in_(bindparam("ids", expanding=True)))


_HELD: Final = _among_ids(attempts.c.prediction_id)
_NOTED: Final = _among_ids(foreign_predictions.c.prediction_id)
