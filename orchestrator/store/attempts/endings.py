"""How attempts end, with what follows for the job and the money in the same transaction.

| Ending | attempt | reservation | job |
|---|---|---|---|
| give back | abandoned | released | pending again, later; no try is used up |
| reject | failed | released | failed |
| fail | failed | refund due (or released at once) | pending again while tries are left, else failed |
| finish | succeeded | settled | succeeded |
| finish with lost outputs | failed | settled | failed |
| write off | failed | settled | failed |
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.states import (
    AttemptEvent,
    ReservationEvent,
)
from orchestrator.core.taxonomy import PaidReason
from orchestrator.store.attempts import outputs, transitions
from orchestrator.store.attempts.closing import Closing, close
from orchestrator.store.attempts.outputs import Finish
from orchestrator.store.db.database import Tx


@dataclass(frozen=True, slots=True)
class GiveBack:
    """End an attempt that created nothing: released before sending, not sent, throttled, or refused by the
    account.
    """

    attempt_id: int
    epoch: int
    event: AttemptEvent
    delay_ms: int | None  # None: the job cannot run, and fails
    reason: str
    message: str
    worker_died: bool = False


def give_back(tx: Tx, rows: Sequence[GiveBack]) -> list[bool]:
    """The attempt is abandoned; the job waits `delay_ms` and loses no try. False when late."""
    done: set[int] = set()
    for event in sorted({row.event for row in rows}):
        same = [row for row in rows if row.event is event]
        held = transitions.lock(tx, same, event)
        ends = [
            Closing(
                attempt=held[row.attempt_id],
                event=event,
                reason=row.reason,
                message=row.message,
                retry_delay_ms=row.delay_ms,
                worker_died=row.worker_died,
            )
            for row in same
            if row.attempt_id in held
        ]
        close(tx, ends)
        done.update(end.attempt.id for end in ends)
    return [row.attempt_id in done for row in rows]


@dataclass(frozen=True, slots=True)
class Reject:
    """The provider refused the request: no prediction exists, and a repeat would be refused again."""

    attempt_id: int
    epoch: int
    reason: str
    message: str
    code: int | None = None


def reject(tx: Tx, rows: Sequence[Reject]) -> list[bool]:
    """`submitting` -> `failed`: nothing is owed, and the job fails. False when late."""
    held = transitions.lock(tx, rows, AttemptEvent.REJECTED)
    close(
        tx,
        [
            Closing(
                attempt=held[row.attempt_id],
                event=AttemptEvent.REJECTED,
                reason=row.reason,
                message=row.message,
                code=row.code,
            )
            for row in rows
            if row.attempt_id in held
        ],
    )
    return [row.attempt_id in held for row in rows]


@dataclass(frozen=True, slots=True)
class WriteOff:
    """An operator gives up an attempt in doubt: the money counts as spent."""

    attempt_id: int
    epoch: int


def write_off(tx: Tx, rows: Sequence[WriteOff]) -> list[bool]:
    """`in_doubt` -> `failed`: the held money is settled in full, and the job fails. False when late."""
    held = transitions.lock(tx, rows, AttemptEvent.WRITTEN_OFF)
    close(
        tx,
        [
            Closing(
                attempt=held[row.attempt_id],
                event=AttemptEvent.WRITTEN_OFF,
                reason=PaidReason.WRITTEN_OFF.value,
                message="written off by an operator",
                reservation=ReservationEvent.SETTLED,
            )
            for row in rows
            if row.attempt_id in held
        ],
    )
    return [row.attempt_id in held for row in rows]


@dataclass(frozen=True, slots=True)
class Fail:
    """The provider's task ended without outputs."""

    attempt_id: int
    epoch: int
    reason: str
    message: str
    status: str
    code: int | None
    retry_delay_ms: int | None  # None: no further attempt by itself
    refund_window_ms: int  # 0: release the money at once
    charged: bool = False  # the provider keeps the money: no refund will come


def fail(tx: Tx, rows: Sequence[Fail]) -> list[bool]:
    """`in_flight` -> `failed`: the provider owes the money back, and one try is used up. False when late."""
    held = transitions.lock(tx, rows, AttemptEvent.PROVIDER_FAILED)
    close(
        tx,
        [
            Closing(
                attempt=held[row.attempt_id],
                event=AttemptEvent.PROVIDER_FAILED,
                reason=row.reason,
                message=row.message,
                code=row.code,
                status=row.status,
                retry_delay_ms=row.retry_delay_ms,
                uses_try=True,
                reservation=_after_failure(row),
                refund_window_ms=row.refund_window_ms,
            )
            for row in rows
            if row.attempt_id in held
        ],
    )
    return [row.attempt_id in held for row in rows]


def _after_failure(row: Fail) -> ReservationEvent:
    if row.charged:
        return ReservationEvent.SETTLED
    return ReservationEvent.REFUND_EXPECTED if row.refund_window_ms else ReservationEvent.RELEASED


def finish(tx: Tx, rows: Sequence[Finish]) -> list[bool]:
    """`fetching` -> `succeeded`, or `failed` when an output is lost; the cost is settled either way."""
    done: set[int] = set()
    for event, same in (
        (AttemptEvent.STORED, [row for row in rows if not row.lost]),
        (AttemptEvent.OUTPUT_GONE, [row for row in rows if row.lost]),
    ):
        held = transitions.lock(tx, same, event)
        mine = [row for row in same if row.attempt_id in held]
        outputs.record_stored(tx, held, mine)
        close(tx, [_closing(held[row.attempt_id], event, row) for row in mine])
        done.update(row.attempt_id for row in mine)
    return [row.attempt_id in done for row in rows]


def _closing(attempt: transitions.LockedAttempt, event: AttemptEvent, row: Finish) -> Closing:
    if row.lost:
        message = "; ".join(f"output {index}: {why}" for index, why in row.lost)
        return Closing(
            attempt=attempt,
            event=event,
            reason=PaidReason.OUTPUT_LOST.value,
            message=message,
            reservation=ReservationEvent.SETTLED,
        )
    short = (
        f"{len(row.stored)} of {row.expected} outputs came back" if len(row.stored) < row.expected else None
    )
    return Closing(
        attempt=attempt,
        event=event,
        reason="fewer_outputs" if short else None,
        message=short,
        reservation=ReservationEvent.SETTLED,
        succeeded=True,
    )
