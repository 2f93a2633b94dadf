"""Overdue attempts: in flight, far older than their model's tasks, and handed to a person.

The mark changes no state: such a task may still end, and then everything goes its usual way. It says that
nobody need wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import endings
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, events

OVERDUE: Final = (attempts.c.state == AttemptState.IN_FLIGHT.value) & attempts.c.overdue_at.is_not(None)
"""An attempt that waits for a person, or for the end of its task, whichever comes first."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Hand an attempt to a person, with the provider's latest answer about its task."""

    attempt_id: int
    epoch: int
    trouble: str


def hand_over(tx: Tx, rows: Sequence[HandOver]) -> list[bool]:
    """Mark each attempt overdue, once. False when it is not this writer's, not in flight, or marked."""
    answers = []
    for row in sorted(rows, key=lambda each: each.attempt_id):
        values = {"a_id": row.attempt_id, "a_epoch": row.epoch, "v_at": tx.now, "v_trouble": row.trouble}
        marked = tx.conn.execute(_MARK, values).first()
        if marked is not None:
            tx.conn.execute(
                events.insert().values(
                    at=tx.now,
                    kind="overdue",
                    job_id=marked.job_id,
                    attempt_id=row.attempt_id,
                    message=f"task {marked.prediction_id} is far older than its model's tasks: {row.trouble}",
                )
            )
        answers.append((row.attempt_id, marked is not None))
    done = dict(answers)
    return [done[row.attempt_id] for row in rows]


@dataclass(frozen=True, slots=True)
class OverdueAttempt:
    """An overdue attempt as its writer must know it."""

    attempt_id: int
    epoch: int
    job_id: int
    prediction_id: str


def find(tx: Tx, attempt_id: int) -> OverdueAttempt | None:
    """The overdue attempt of this id; None when it is not one."""
    query = select(attempts.c.id, attempts.c.epoch, attempts.c.job_id, attempts.c.prediction_id).where(
        ATTEMPT_IS_LIVE, OVERDUE, attempts.c.id == attempt_id
    )
    row = tx.conn.execute(query).one_or_none()
    if row is None:
        return None
    return OverdueAttempt(
        attempt_id=row.id, epoch=row.epoch, job_id=row.job_id, prediction_id=row.prediction_id
    )


def write_off(tx: Tx, row: OverdueAttempt) -> bool:
    """Stop waiting for the task: its money counts as spent, its job fails and may be retried. A retry looks
    at this task first. False when it has ended meanwhile.
    """
    done = endings.write_off(tx, [endings.WriteOff(row.attempt_id, row.epoch)])[0]
    if done:
        tx.conn.execute(
            events.insert().values(
                at=tx.now,
                kind="overdue_ended",
                job_id=row.job_id,
                attempt_id=row.attempt_id,
                message=f"task {row.prediction_id} was written off by an operator",
            )
        )
    return done


_MARK: Final = (
    update(attempts)
    .where(
        attempts.c.id == bindparam("a_id"),
        attempts.c.epoch == bindparam("a_epoch"),
        attempts.c.state == AttemptState.IN_FLIGHT.value,
        attempts.c.overdue_at.is_(None),
    )
    .values(overdue_at=bindparam("v_at"), trouble=bindparam("v_trouble"))
    .returning(attempts.c.job_id, attempts.c.prediction_id)
)
