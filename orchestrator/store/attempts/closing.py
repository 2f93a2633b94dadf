"""Closing an attempt: its state, its reservation, the ledger and its job change in one transaction.

The kinds of endings are in `endings`.
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
from orchestrator.store.attempts import transitions, troubles
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import LedgerKind, Queue, jobs
from orchestrator.store.money import ledger
from orchestrator.store.runs import needs, stable_names
from orchestrator.store.runs.run_lanes import reopen_lanes


@dataclass(slots=True)
class Closing:
    """The end of one attempt, and what it means for the money and the job."""

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


def close(tx: Tx, closings: Sequence[Closing]) -> None:
    """Change the attempts, their reservations and their jobs, all in this transaction."""
    if not closings:
        return
    for with_status in (True, False):
        same = [end for end in closings if (end.status is not None) is with_status]
        transitions.move(tx, [(end.attempt, end.event, _attempt_values(tx, end)) for end in same])
    ledger.post(tx, [_movement(end) for end in closings])
    reopen_lanes(
        tx, [end.attempt.lane_id for end in closings if _job_event(end) is JobEvent.ATTEMPT_ENDED_RETRY]
    )
    dialect.run_many(tx.conn, _END_JOB, [_job_values(tx, end) for end in closings])
    stable_names.mark(tx, [end.attempt.job_id for end in closings if end.succeeded])
    needs.settle(tx, [end.attempt.job_id for end in closings if end.succeeded and end.attempt.is_needed])
    needs.settle_waiting(
        tx, [end.attempt.job_id for end in closings if not end.succeeded and end.attempt.needs_another]
    )


def _attempt_values(tx: Tx, end: Closing) -> dict[str, Any]:
    reservation = step(RESERVATION_TRANSITIONS, ReservationState.HELD, end.reservation)
    values: dict[str, Any] = {
        "finished_at": tx.now,
        "reason": end.reason,
        "message": end.message,
        "code": end.code,
        "reservation": reservation.value,
        "cost_micros": end.attempt.charge_micros if reservation is ReservationState.SETTLED else None,
        "refund_until": tx.now + end.refund_window_ms if reservation is ReservationState.REFUND_DUE else None,
        **troubles.OVER,
    }
    if end.status is not None:
        values["status"] = end.status
    return values


def _movement(end: Closing) -> ledger.Movement:
    attempt = end.attempt
    price = attempt.price_micros
    match end.reservation:
        case ReservationEvent.SETTLED:
            written_off = end.event is AttemptEvent.WRITTEN_OFF
            kind = LedgerKind.WRITTEN_OFF if written_off else LedgerKind.SETTLE
            spent, due = attempt.charge_micros, 0
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


def _job_event(end: Closing) -> JobEvent:
    if end.succeeded:
        return JobEvent.ATTEMPT_SUCCEEDED
    if end.attempt.cancel_requested:
        return JobEvent.CANCELLED
    tries_left = end.attempt.tries_left - int(end.uses_try)
    if end.retry_delay_ms is not None and tries_left > 0:
        return JobEvent.ATTEMPT_ENDED_RETRY
    return JobEvent.ATTEMPT_ENDED_FINAL


def _job_values(tx: Tx, end: Closing) -> dict[str, Any]:
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
        "d_cost": end.attempt.charge_micros if settled else 0,
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
