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
from typing import Any, Final

from sqlalchemy import bindparam, update

from orchestrator.core.states import (
    JOB_TRANSITIONS,
    RESERVATION_TRANSITIONS,
    AttemptEvent,
    JobEvent,
    JobState,
    ReservationEvent,
    ReservationState,
    step,
)
from orchestrator.store.attempts import outputs, transitions
from orchestrator.store.attempts.outputs import Finish
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import LedgerKind, Queue, jobs
from orchestrator.store.money import ledger
from orchestrator.store.runs.runs import reopen_lanes


@dataclass(frozen=True, slots=True)
class GiveBack:
    """End an attempt that created nothing: released before sending, not sent, throttled, or refused by the
    account.
    """

    attempt_id: int
    epoch: int
    event: AttemptEvent
    delay_ms: int | None  # None: the job cannot be made, and fails
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
            _End(
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
        _end(tx, ends)
        done.update(end.attempt.id for end in ends)
    return [row.attempt_id in done for row in rows]


@dataclass(frozen=True, slots=True)
class Reject:
    """The provider refused the request itself: no prediction, and the same request would be refused again."""

    attempt_id: int
    epoch: int
    reason: str
    message: str
    code: int | None = None


def reject(tx: Tx, rows: Sequence[Reject]) -> list[bool]:
    """Submitting -> failed; nothing is owed; the job fails. False when late."""
    held = transitions.lock(tx, rows, AttemptEvent.REJECTED)
    _end(
        tx,
        [
            _End(
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
    """From in doubt to failed; the held money is settled in full; the job fails. False when late."""
    held = transitions.lock(tx, rows, AttemptEvent.WRITTEN_OFF)
    _end(
        tx,
        [
            _End(
                attempt=held[row.attempt_id],
                event=AttemptEvent.WRITTEN_OFF,
                reason="written_off",
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
    refund_window_ms: int  # 0: count the money free at once
    charged: bool = False  # the provider keeps the money: no refund will come


def fail(tx: Tx, rows: Sequence[Fail]) -> list[bool]:
    """in_flight -> failed; the provider owes the money back; one try is used up. False when late."""
    held = transitions.lock(tx, rows, AttemptEvent.PROVIDER_FAILED)
    _end(
        tx,
        [
            _End(
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
    """Fetching -> succeeded, or failed when an output is gone for good; the cost is settled either way."""
    done: set[int] = set()
    for event, same in (
        (AttemptEvent.STORED, [row for row in rows if not row.lost]),
        (AttemptEvent.OUTPUT_GONE, [row for row in rows if row.lost]),
    ):
        held = transitions.lock(tx, same, event)
        mine = [row for row in same if row.attempt_id in held]
        outputs.record_stored(tx, held, mine)
        _end(tx, [_finish_end(held[row.attempt_id], event, row) for row in mine])
        done.update(row.attempt_id for row in mine)
    return [row.attempt_id in done for row in rows]


@dataclass(slots=True)
class _End:
    attempt: transitions.LockedAttempt
    event: AttemptEvent
    reason: str | None
    message: str | None
    code: int | None = None
    status: str | None = None
    retry_delay_ms: int | None = None
    uses_try: bool = False
    reservation: ReservationEvent = ReservationEvent.RELEASED
    refund_window_ms: int = 0
    succeeded: bool = False
    worker_died: bool = False


def _finish_end(attempt: transitions.LockedAttempt, event: AttemptEvent, row: Finish) -> _End:
    if row.lost:
        message = "; ".join(f"output {index}: {why}" for index, why in row.lost)
        return _End(
            attempt=attempt,
            event=event,
            reason="output_lost",
            message=message,
            reservation=ReservationEvent.SETTLED,
        )
    short = (
        f"{len(row.stored)} of {row.expected} outputs came back" if len(row.stored) < row.expected else None
    )
    return _End(
        attempt=attempt,
        event=event,
        reason="fewer_outputs" if short else None,
        message=short,
        reservation=ReservationEvent.SETTLED,
        succeeded=True,
    )


def _end(tx: Tx, ends: Sequence[_End]) -> None:
    """Move the attempts, their reservations and their jobs, all in this transaction."""
    if not ends:
        return
    for with_status in (True, False):
        same = [end for end in ends if (end.status is not None) is with_status]
        transitions.move(tx, [(end.attempt, end.event, _attempt_values(tx, end)) for end in same])
    ledger.post(tx, [_movement(end) for end in ends])
    reopen_lanes(tx, [end.attempt.lane_id for end in ends if _job_event(end) is JobEvent.ATTEMPT_ENDED_RETRY])
    dialect.run_many(tx.conn, _END_JOB, [_job_values(tx, end) for end in ends])


def _attempt_values(tx: Tx, end: _End) -> dict[str, Any]:
    reservation = step(RESERVATION_TRANSITIONS, ReservationState.HELD, end.reservation)
    values: dict[str, Any] = {
        "finished_at": tx.now,
        "reason": end.reason,
        "message": end.message,
        "code": end.code,
        "reservation": reservation.value,
        "cost_micros": end.attempt.price_micros if reservation is ReservationState.SETTLED else None,
        "refund_until": tx.now + end.refund_window_ms if reservation is ReservationState.REFUND_DUE else None,
    }
    if end.status is not None:
        values["status"] = end.status
    return values


def _movement(end: _End) -> ledger.Movement:
    attempt = end.attempt
    price = attempt.price_micros
    match end.reservation:
        case ReservationEvent.SETTLED:
            written_off = end.event is AttemptEvent.WRITTEN_OFF
            kind, spent, due = LedgerKind.WRITTEN_OFF if written_off else LedgerKind.SETTLE, price, 0
        case ReservationEvent.REFUND_EXPECTED:
            kind, spent, due = LedgerKind.REFUND_DUE, 0, price
        case _:
            kind, spent, due = LedgerKind.RELEASE, 0, 0
    return ledger.Movement(
        kind=kind,
        attempt_id=attempt.id,
        run_id=attempt.run_id,
        campaign_id=attempt.campaign_id,
        day=attempt.day,
        held_delta=-price,
        spent_delta=spent,
        refund_due_delta=due,
        note=end.reason,
    )


def _job_event(end: _End) -> JobEvent:
    if end.succeeded:
        return JobEvent.ATTEMPT_SUCCEEDED
    if end.attempt.cancel_requested:
        return JobEvent.CANCELLED
    tries_left = end.attempt.tries_left - int(end.uses_try)
    if end.retry_delay_ms is not None and tries_left > 0:
        return JobEvent.ATTEMPT_ENDED_RETRY
    return JobEvent.ATTEMPT_ENDED_FINAL


def _job_values(tx: Tx, end: _End) -> dict[str, Any]:
    state = step(JOB_TRANSITIONS, JobState.RUNNING, _job_event(end))
    pending = state is JobState.PENDING
    settled = end.reservation is ReservationEvent.SETTLED
    return {
        "j_id": end.attempt.job_id,
        "v_state": state.value,
        "v_queue": Queue.WAITING.value if pending else None,
        "v_due_at": tx.now + (end.retry_delay_ms or 0) if pending else None,
        "v_reason": end.reason,
        "v_message": end.message,
        "v_finished_at": None if pending else tx.now,
        "d_tries": int(end.uses_try),
        "d_deaths": int(end.worker_died),
        "d_cost": end.attempt.price_micros if settled else 0,
    }


_END_JOB: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.state == JobState.RUNNING.value)
    .values(
        state=bindparam("v_state"),
        queue=bindparam("v_queue"),
        due_at=bindparam("v_due_at"),
        reason=bindparam("v_reason"),
        message=bindparam("v_message"),
        finished_at=bindparam("v_finished_at"),
        tries_left=jobs.c.tries_left - bindparam("d_tries"),
        deaths=jobs.c.deaths + bindparam("d_deaths"),
        cost_micros=jobs.c.cost_micros + bindparam("d_cost"),
    )
)
