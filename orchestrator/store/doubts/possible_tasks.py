"""Predictions that an attempt in doubt may have created, kept for the operator who decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import lifecycle
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, candidates

Candidate = tuple[str, str, int | None, tuple[str, ...]]
"""A possible prediction: id, status, created_at, outputs."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The evidence cannot decide; these predictions are possible."""

    attempt_id: int
    epoch: int
    possible: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class PossibleTask:
    """A prediction that an attempt in doubt may have created."""

    attempt_id: int
    prediction_id: str
    status: str
    created_at: int | None
    outputs: tuple[str, ...]


def possible(tx: Tx) -> list[PossibleTask]:
    """All possible predictions of attempts in doubt, by attempt, oldest first."""
    query = select(candidates).order_by(
        candidates.c.attempt_id, candidates.c.created_at, candidates.c.prediction_id
    )
    return [
        PossibleTask(
            attempt_id=row.attempt_id,
            prediction_id=row.prediction_id,
            status=row.status,
            created_at=row.created_at,
            outputs=tuple(row.outputs),
        )
        for row in tx.conn.execute(query)
    ]


def set_aside(tx: Tx, rows: Sequence[Ambiguous]) -> list[bool]:
    """Mark the attempts for an operator and store their possible predictions. The money stays held and
    nothing is sent again.
    """
    for row in rows:
        tx.conn.execute(
            update(attempts)
            .where(
                attempts.c.id == row.attempt_id,
                attempts.c.epoch == row.epoch,
                attempts.c.state == AttemptState.IN_DOUBT.value,
            )
            .values(reason=lifecycle.AMBIGUOUS)
        )
        tx.conn.execute(delete(candidates).where(candidates.c.attempt_id == row.attempt_id))
        if row.possible:
            tx.conn.execute(
                candidates.insert(),
                [
                    {
                        "attempt_id": row.attempt_id,
                        "prediction_id": prediction_id,
                        "status": status,
                        "created_at": created_at,
                        "outputs": list(outputs),
                    }
                    for prediction_id, status, created_at, outputs in row.possible
                ],
            )
    return [True] * len(rows)
