"""An attempt under way: send, accepted, in doubt, completed. How attempts end is in `endings`.

Every function takes a transaction and a list of requests and returns one result per request; see
`group_commit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.account import pauses, rate_limits
from orchestrator.store.attempts import outputs as pictures
from orchestrator.store.attempts import predictions, transitions, troubles
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts
from orchestrator.store.money import prices

AMBIGUOUS: Final = "ambiguous"
"""The reason of an attempt that the evidence cannot decide: it waits for an operator."""


class Send(StrEnum):
    """Whether the POST may leave now."""

    GO = "go"  # `submitting` is durable: from here on money may be owed
    WAIT = "wait"  # the rate grant is too old and the window has no room to renew it; ask again
    PAUSED = "paused"  # an operator paused it, or the time of its run is over: give the attempt back
    REPRICED = "repriced"  # it holds less than its job costs now: give the attempt back
    CANCELLED = "cancelled"  # an operator cancelled the job: give the attempt back
    LATE = "late"  # the attempt is no longer this worker's


@dataclass(frozen=True, slots=True)
class BeginSubmit:
    """Commit the intent to POST, with the digest of what will be sent."""

    attempt_id: int
    epoch: int
    sent_digest: str | None = None
    repeat: bool = False  # the answer to this same write was lost: it may be done already


def begin_submit(tx: Tx, rows: Sequence[BeginSubmit]) -> list[Send]:
    """`leased` -> `submitting`, committed before the POST leaves; an old rate grant is renewed or waited for.

    A repeat whose first try was written after all gets GO too. Under this epoch only that first try can have
    moved the attempt to `submitting`, and nothing was sent since, because the caller is still waiting for an
    answer.
    """
    held = transitions.lock(tx, rows, AttemptEvent.SEND_COMMITTED)
    answers: dict[int, Send] = {}
    aged = [a.id for a in held.values() if tx.now - a.rate_granted_at > rate_limits.GRANT_FRESH_MS]
    without_grant = set(aged) - rate_limits.renew(tx, aged)
    digests = {row.attempt_id: row.sent_digest for row in rows}
    moves: list[tuple[transitions.LockedAttempt, AttemptEvent, dict[str, Any]]] = []
    paused = pauses.by_operator(tx)
    over = pauses.over(tx, {attempt.run_id for attempt in held.values()})
    outpriced = prices.outpriced(tx, list(held))
    for attempt in held.values():
        if attempt.cancel_requested:
            answers[attempt.id] = Send.CANCELLED
        elif attempt.run_id in over or paused & {("account", ""), ("campaign", str(attempt.campaign_id))}:
            answers[attempt.id] = Send.PAUSED
        elif attempt.id in outpriced:
            answers[attempt.id] = Send.REPRICED
        elif attempt.id in without_grant:
            answers[attempt.id] = Send.WAIT
        else:
            answers[attempt.id] = Send.GO
            granted_at = tx.now if attempt.id in aged else attempt.rate_granted_at
            values = {
                "submitted_at": tx.now,
                "sent_digest": digests[attempt.id],
                "rate_granted_at": granted_at,
            }
            moves.append((attempt, AttemptEvent.SEND_COMMITTED, values))
    transitions.move(tx, moves)
    answers.update(dict.fromkeys(_done_before(tx, rows, AttemptState.SUBMITTING), Send.GO))
    return [answers.get(row.attempt_id, Send.LATE) for row in rows]


@dataclass(frozen=True, slots=True)
class Accept:
    """The provider accepted: keep its prediction id before anything else happens to it."""

    attempt_id: int
    epoch: int
    worker: str
    prediction_id: str
    status: str
    lease_ms: int


def accept(tx: Tx, rows: Sequence[Accept]) -> list[int | None]:
    """`submitting` -> `in_flight`; returns the epoch to go on with, or None when another attempt holds this
    prediction.

    Another worker may have put the attempt of a slow worker in doubt. The reply itself is the best evidence,
    so the attempt still goes in flight. A prediction that cannot be attached is recorded as an event, never
    dropped.
    """
    owned = predictions.holders(tx, [row.prediction_id for row in rows])
    fresh = [row for row in rows if row.prediction_id not in owned]
    held = transitions.lock(tx, fresh, AttemptEvent.ACCEPTED)
    doubted = transitions.lock(tx, fresh, AttemptEvent.EVIDENCE_FOUND)
    answers: list[int | None] = []
    moves: dict[AttemptEvent, list[tuple[transitions.LockedAttempt, AttemptEvent, dict[str, Any]]]] = {}
    for row in rows:
        attempt = held.get(row.attempt_id) or doubted.get(row.attempt_id)
        if attempt is None or row.prediction_id in owned:
            predictions.note_unattached(
                tx, row.prediction_id, row.attempt_id, owner=owned.get(row.prediction_id)
            )
            answers.append(_already(owned, row))
            continue
        event = AttemptEvent.ACCEPTED if row.attempt_id in held else AttemptEvent.EVIDENCE_FOUND
        values = {
            "prediction_id": row.prediction_id,
            "status": row.status,
            "accepted_at": tx.now,
            "worker": row.worker,
            "lease_expires_at": tx.now + row.lease_ms,
            "reason": None,
            "message": None,
        }
        moves.setdefault(event, []).append((attempt, event, values))
        owned[row.prediction_id] = (row.attempt_id, attempt.epoch, row.worker)
        answers.append(attempt.epoch)
    for same in moves.values():
        transitions.move(tx, same)
    return answers


@dataclass(frozen=True, slots=True)
class MarkInDoubt:
    """The reply to the POST was lost: it may have created a prediction."""

    attempt_id: int
    epoch: int
    message: str
    answered: bool = False  # an answer came that does not say so: nothing is created any more


def mark_in_doubt(tx: Tx, rows: Sequence[MarkInDoubt]) -> list[bool]:
    """`submitting` -> `in_doubt`. The money stays held and the job is not sent again until evidence or an
    operator decides.
    """
    held = transitions.lock(tx, rows, AttemptEvent.REPLY_LOST)
    transitions.move(
        tx,
        [
            (
                held[row.attempt_id],
                AttemptEvent.REPLY_LOST,
                {
                    "reason": "reply_lost",
                    "message": row.message,
                    "doubted_at": tx.now,
                    "answered_at": tx.now if row.answered else None,
                },
            )
            for row in rows
            if row.attempt_id in held
        ],
    )
    return [row.attempt_id in held for row in rows]


@dataclass(frozen=True, slots=True)
class Complete:
    """The provider says completed, with these outputs: (url, nsfw) in order."""

    attempt_id: int
    epoch: int
    status: str
    outputs: tuple[tuple[str, bool | None], ...]
    inference_ms: int | None
    repeat: bool = False  # the answer to this same write was lost: it may be done already


def complete(tx: Tx, rows: Sequence[Complete]) -> list[list[pictures.ExpectedOutput] | None]:
    """`in_flight` -> `fetching`, with every URL recorded; returns what to store, or None when late."""
    held = transitions.lock(tx, rows, AttemptEvent.COMPLETED)
    done = [row for row in rows if row.attempt_id in held]
    transitions.move(
        tx,
        [
            (
                held[row.attempt_id],
                AttemptEvent.COMPLETED,
                {
                    "status": row.status,
                    "inference_ms": row.inference_ms,
                    "completed_at": tx.now,
                    "overdue_at": None,
                    **troubles.OVER,
                },
            )
            for row in done
        ],
    )
    returned = {row.attempt_id: (held[row.attempt_id].job_id, row.outputs) for row in done}
    expected = pictures.expect(tx, returned)
    for attempt_id in _done_before(tx, rows, AttemptState.FETCHING) - held.keys():
        expected[attempt_id] = pictures.expected(tx, attempt_id)
    return [expected.get(row.attempt_id) for row in rows]


def _done_before(tx: Tx, rows: Sequence[BeginSubmit | Complete], state: AttemptState) -> set[int]:
    """Attempts of repeated writes that are in `state` under the writer's epoch, because the first try was
    written.
    """
    repeated = {row.attempt_id: row.epoch for row in rows if row.repeat}
    if not repeated:
        return set()
    query = select(attempts.c.id, attempts.c.epoch).where(
        attempts.c.id.in_(list(repeated)), attempts.c.state == state.value
    )
    return {row.id for row in tx.conn.execute(query) if row.epoch == repeated[row.id]}


def _already(owned: dict[str, predictions.Holder], row: Accept) -> int | None:
    """The epoch when this attempt holds the prediction already and still belongs to the writer: the accept
    was a repeat.

    Otherwise None: another worker has adopted the attempt by evidence while this one was suspended, and now
    takes care of it.
    """
    return row.epoch if owned.get(row.prediction_id) == (row.attempt_id, row.epoch, row.worker) else None
