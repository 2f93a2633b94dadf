"""Taking back: a job that is tried again gets the task that it has paid for already, instead of a new one.

The task moves from the earlier attempt to the new one, and its charge with it: what the earlier one cost is
given back in the books, and the new one's reservation is settled as usual. So the charge is counted once
before, during and after, and the bill's lines about the task find the attempt that holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.states import (
    RESERVATION_TRANSITIONS,
    AttemptEvent,
    AttemptState,
    ReservationEvent,
    ReservationState,
    step,
)
from orchestrator.core.taxonomy import PaidReason
from orchestrator.store.attempts import transitions
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import LedgerKind, attempts, events, jobs
from orchestrator.store.money import ledger


@dataclass(frozen=True, slots=True)
class EarlierTask:
    """A task that an earlier attempt of a job paid for, and whose pictures are not here."""

    attempt_id: int
    number: int
    prediction_id: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Give the earlier attempt's task to the new one, which was not sent."""

    attempt_id: int
    epoch: int
    earlier_id: int
    prediction_id: str
    status: str


def paid_task(tx: Tx, job_id: int) -> EarlierTask | None:
    """The newest task that the job has paid for without getting its pictures; None when there is none.

    A task that was taken back once already and brought nothing is not tried for ever: the attempt that holds
    it was sent before it was claimed.
    """
    row = tx.conn.execute(_PAID, {"job": job_id}).one_or_none()
    if row is None or row.submitted_at is None or row.submitted_at < row.leased_at:
        return None
    return EarlierTask(row.id, row.number, row.prediction_id)


def take_back(tx: Tx, rows: Sequence[TakeBack]) -> list[int | None]:
    """`leased` -> `in_flight` with the earlier attempt's task; returns when that was accepted, in ms. None
    when late, or when the earlier one does not hold it any more.
    """
    held = transitions.lock(tx, rows, AttemptEvent.TASK_ASSIGNED)
    return [_take_back_one(tx, held.get(row.attempt_id), row) for row in rows]


def _take_back_one(tx: Tx, attempt: transitions.LockedAttempt | None, row: TakeBack) -> int | None:
    if attempt is None:
        return None
    query = dialect.lock_rows(tx.conn, _EARLIER, attempts)
    wanted = {"id": row.earlier_id, "prediction": row.prediction_id, "job": attempt.job_id}
    earlier = tx.conn.execute(query, wanted).one_or_none()
    if earlier is None:
        return None
    _give_up_charge(tx, earlier, attempt.id)
    values = {
        "prediction_id": row.prediction_id,
        "status": row.status,
        "submitted_at": earlier.submitted_at,
        "accepted_at": earlier.accepted_at,
        "sent_digest": earlier.sent_digest,
    }
    transitions.move(tx, [(attempt, AttemptEvent.TASK_ASSIGNED, values)])
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind="taken_back",
            job_id=attempt.job_id,
            attempt_id=attempt.id,
            message=(
                f"task {row.prediction_id} of attempt {earlier.number} has its pictures now: none is bought"
            ),
        )
    )
    return int(earlier.accepted_at)


def _give_up_charge(tx: Tx, earlier: Any, to_id: int) -> None:
    """The earlier attempt holds no task and costs nothing any more."""
    reservation = ReservationState(earlier.reservation)
    cost = earlier.cost_micros or 0
    columns: dict[str, Any] = {}
    if reservation is ReservationState.SETTLED:
        after = step(RESERVATION_TRANSITIONS, reservation, ReservationEvent.PAID_BACK)
        columns["reservation"] = after.value
    tx.conn.execute(
        update(attempts)
        .where(attempts.c.id == earlier.id, attempts.c.reservation == earlier.reservation)
        .values(
            prediction_id=None,
            cost_micros=None,
            billed_micros=None,
            refunded_micros=None,
            message=f"{earlier.message or earlier.reason}; its task and its charge went to attempt {to_id}",
            **columns,
        )
    )
    if cost:
        moved = ledger.Movement(
            kind=LedgerKind.ADJUSTED,
            attempt_id=earlier.id,
            run_id=earlier.run_id,
            campaign_id=earlier.campaign_id,
            day=earlier.day,
            spent_delta=-cost,
            note=f"its task went to attempt {to_id}",
        )
        ledger.post(tx, [moved])
        tx.conn.execute(_LOWER_COST, {"j_id": earlier.job_id, "d_cost": cost})


_PAID: Final = (
    select(
        attempts.c.id,
        attempts.c.number,
        attempts.c.prediction_id,
        attempts.c.submitted_at,
        attempts.c.leased_at,
    )
    .where(
        attempts.c.job_id == bindparam("job"),
        attempts.c.prediction_id.is_not(None),
        attempts.c.state == AttemptState.FAILED.value,
        attempts.c.reason.in_([reason.value for reason in PaidReason]),
    )
    .order_by(attempts.c.number.desc())
    .limit(1)
)
_EARLIER: Final = select(attempts).where(
    attempts.c.id == bindparam("id"),
    attempts.c.job_id == bindparam("job"),
    attempts.c.prediction_id == bindparam("prediction"),
    attempts.c.state == AttemptState.FAILED.value,
    attempts.c.reservation.in_([ReservationState.SETTLED.value, ReservationState.RELEASED.value]),
)
_LOWER_COST: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"))
    .values(cost_micros=jobs.c.cost_micros - bindparam("d_cost"))
)
