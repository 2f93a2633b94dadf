"""Attempts in doubt: reading them, and ending a doubt by evidence or by an operator's decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from orchestrator.core.errors import NotFoundError, UsageError
from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import endings, overdue, predictions, transitions
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, candidates, events, job_specs, runs
from orchestrator.store.doubts import webhook_reports


@dataclass(frozen=True, slots=True)
class InDoubt:
    """An attempt whose POST may have created a prediction."""

    attempt_id: int
    epoch: int
    job_id: int
    model: str
    reason: str | None
    submitted_at: int
    doubted_at: int
    answered_at: int | None  # when an answer came that does not tell; nothing was created after that
    sent_digest: str | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """Evidence: this prediction is what the attempt's POST created."""

    attempt_id: int
    epoch: int
    prediction_id: str
    status: str
    worker: str
    lease_ms: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Evidence of absence: the POST created nothing."""

    attempt_id: int
    epoch: int
    evidence: str


def in_doubt(tx: Tx) -> list[InDoubt]:
    """Every attempt in doubt, oldest first."""
    query = (
        select(attempts, runs.c.model, job_specs.c.params)
        .join_from(attempts, runs)
        .join(job_specs, job_specs.c.job_id == attempts.c.job_id)
        .where(ATTEMPT_IS_LIVE, attempts.c.state == AttemptState.IN_DOUBT.value)
        .order_by(attempts.c.id)
    )
    return [
        InDoubt(
            attempt_id=row.id,
            epoch=row.epoch,
            job_id=row.job_id,
            model=row.model,
            reason=row.reason,
            submitted_at=row.submitted_at,
            doubted_at=row.doubted_at or row.submitted_at,
            answered_at=row.answered_at,
            sent_digest=row.sent_digest,
            params=row.params,
        )
        for row in tx.conn.execute(query)
    ]


def unsettled(tx: Tx) -> bool:
    """Whether some POST may have created a prediction that is not attached yet."""
    return bool(unanswered(tx))


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A POST that may have created a prediction that is not attached yet."""

    model: str
    sent_at: int
    digest: str | None = None  # of what it sent, by `keys`
    keys: tuple[str, ...] = ()


def unanswered(tx: Tx) -> list[Unanswered]:
    """Every POST without a known reply, oldest first."""
    states = [AttemptState.SUBMITTING.value, AttemptState.IN_DOUBT.value]
    query = (
        select(runs.c.model, attempts.c.submitted_at, attempts.c.sent_digest, job_specs.c.params)
        .join_from(attempts, runs)
        .join(job_specs, job_specs.c.job_id == attempts.c.job_id)
        .where(ATTEMPT_IS_LIVE, attempts.c.state.in_(states))
        .order_by(attempts.c.submitted_at)
    )
    return [
        Unanswered(
            model=row.model, sent_at=row.submitted_at, digest=row.sent_digest, keys=tuple(sorted(row.params))
        )
        for row in tx.conn.execute(query)
    ]


def unanswered_ids(tx: Tx) -> frozenset[int]:
    """Attempts that may have created a prediction which nobody has recorded: on their way, or in doubt."""
    states = [AttemptState.SUBMITTING.value, AttemptState.IN_DOUBT.value]
    query = select(attempts.c.id).where(ATTEMPT_IS_LIVE, attempts.c.state.in_(states))
    return frozenset(tx.conn.execute(query).scalars())


def resolve_as(tx: Tx, rows: Sequence[Found]) -> list[bool]:
    """End the doubt: the attempt is in flight with that prediction. False when late, or when another attempt
    holds the prediction.
    """
    free = predictions.unheld(tx, [row.prediction_id for row in rows])
    fresh: list[Found] = []
    for row in rows:
        if row.prediction_id in free:
            free.discard(row.prediction_id)
            fresh.append(row)
    held = transitions.lock(tx, fresh, AttemptEvent.EVIDENCE_FOUND)
    mine = [row for row in fresh if row.attempt_id in held]
    transitions.move(
        tx,
        [
            (
                held[row.attempt_id],
                AttemptEvent.EVIDENCE_FOUND,
                {
                    "prediction_id": row.prediction_id,
                    "status": row.status,
                    "accepted_at": tx.now,
                    "worker": row.worker,
                    "lease_expires_at": tx.now + row.lease_ms,
                    "reason": None,
                    "message": None,
                },
            )
            for row in mine
        ],
    )
    _close(tx, [(row.attempt_id, f"adopted prediction {row.prediction_id}: {row.evidence}") for row in mine])
    done = {row.attempt_id for row in mine}
    return [row.attempt_id in done for row in rows]


def abandon(tx: Tx, rows: Sequence[Absent]) -> list[bool]:
    """End the doubt: nothing was created and nothing is owed, so the job is ready again and loses no try.

    False when late, or when a webhook has reported a created prediction. That is checked under the lock of
    the attempt, which recording a webhook takes too.
    """
    held = transitions.lock(tx, rows, AttemptEvent.ABSENCE_PROVED)
    created = webhook_reports.with_report(tx, list(held))
    absent = [row for row in rows if row.attempt_id in held and row.attempt_id not in created]
    given_back = endings.give_back(
        tx,
        [
            endings.GiveBack(
                attempt_id=row.attempt_id,
                epoch=row.epoch,
                event=AttemptEvent.ABSENCE_PROVED,
                delay_ms=0,
                reason="absence_proved",
                message=row.evidence,
            )
            for row in absent
        ],
    )
    done = {row.attempt_id for row, ended in zip(absent, given_back, strict=True) if ended}
    _close(tx, [(row.attempt_id, row.evidence) for row in absent if row.attempt_id in done])
    return [row.attempt_id in done for row in rows]


def find(tx: Tx, attempt_id: int) -> InDoubt:
    """The attempt in doubt with that id; raises NotFoundError, or UsageError when it is not in doubt."""
    for doubt in in_doubt(tx):
        if doubt.attempt_id == attempt_id:
            return doubt
    state = tx.conn.execute(select(attempts.c.state).where(attempts.c.id == attempt_id)).scalar()
    if state is None:
        raise NotFoundError(f"There is no attempt {attempt_id}. See: orchestrator in-doubt list")
    if overdue.find(tx, attempt_id) is not None:
        raise UsageError(
            f"Attempt {attempt_id} is overdue, not in doubt: its task is known and may still end. Wait, or "
            f"give it up: orchestrator in-doubt resolve {attempt_id} --write-off"
        )
    raise UsageError(f"Attempt {attempt_id} is {state}, not in doubt: there is nothing to decide.")


def write_off(tx: Tx, doubt: InDoubt) -> bool:
    """Give the attempt up: its money counts as spent, and its job fails and may be retried."""
    done = endings.write_off(tx, [endings.WriteOff(doubt.attempt_id, doubt.epoch)])[0]
    if done:
        _close(tx, [(doubt.attempt_id, "written off by an operator")])
    return done


def _close(tx: Tx, notes: Sequence[tuple[int, str]]) -> None:
    if not notes:
        return
    tx.conn.execute(
        delete(candidates).where(candidates.c.attempt_id.in_([attempt_id for attempt_id, _ in notes]))
    )
    job_of = {
        row.id: row.job_id
        for row in tx.conn.execute(
            select(attempts.c.id, attempts.c.job_id).where(attempts.c.id.in_([note[0] for note in notes]))
        )
    }
    tx.conn.execute(
        events.insert(),
        [
            {
                "at": tx.now,
                "kind": "doubt_ended",
                "job_id": job_of[attempt_id],
                "attempt_id": attempt_id,
                "message": message,
            }
            for attempt_id, message in notes
        ],
    )
