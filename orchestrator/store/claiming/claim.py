"""The claim: one transaction that takes slots, rate grants and money together, for jobs that may run now.

The claim reads lanes (jobs of one run that are priced alike) in order of priority. A lane that is paused or
whose price does not fit under a cap is passed over as a whole, so that no other lane waits for it. Campaigns
of equal priority share by their weights; within a campaign the lowest rounds come first, so that
products take turns (`manifest/combining/turns.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.budget import day_of
from orchestrator.core.caution import Care
from orchestrator.core.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    RESERVATION_TRANSITIONS,
    AttemptEvent,
    AttemptState,
    JobEvent,
    JobState,
    ReservationEvent,
    step,
)
from orchestrator.store.account import rate_limits, rate_window, workers
from orchestrator.store.attempts.attempt_ids import next_attempt_id
from orchestrator.store.attempts.held import HELD_ATTEMPTS, HeldAttempt, held_attempt
from orchestrator.store.claiming import staging
from orchestrator.store.claiming.losses import after_losses
from orchestrator.store.claiming.selection import select_jobs
from orchestrator.store.claiming.taken import Selected
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.deferred_writes import LockOrder
from orchestrator.store.db.schema import (
    ATTEMPT_IS_LIVE,
    JOB_WAITING,
    LedgerKind,
    Queue,
    attempts,
    job_specs,
    jobs,
)
from orchestrator.store.money import ledger
from orchestrator.store.runs import needs


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Which worker asks, for how many jobs, under which rules."""

    worker: str
    want: int
    lease_ms: int
    timezone: str
    token: Callable[[], str]
    run_ids: frozenset[int] | None = None  # None: any run
    only_round: int | None = None  # None: any round; see `store/runs/apart.py`
    care: Care | None = None  # replies were lost a moment ago


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What a claim got, and when to claim again."""

    claimed: tuple[HeldAttempt, ...]
    draining: bool  # the worker is asked to finish, so it gets nothing more
    retry_at: int | None  # ms; when the rate window has room or a waiting job is due; None: not by time
    concurrency: int | None = None  # the limit in force; None: it was not read


def claim(tx: Tx, requests: Sequence[ClaimRequest]) -> list[ClaimResult]:
    """Serve the requests in order; what a cap, a limit or a pause forbids is not claimed."""
    return [_claim_one(tx, request) for request in requests]


@dataclass(frozen=True, slots=True)
class Recover:
    """A request after a claim whose answer was lost, with the attempts that the worker knows it holds."""

    worker: str
    known: frozenset[int]


def recover(tx: Tx, rows: Sequence[Recover]) -> list[tuple[HeldAttempt, ...]]:
    """What the lost claims took: the unsent attempts of each worker that it does not know of."""
    return [_recover_one(tx, row) for row in rows]


def _recover_one(tx: Tx, row: Recover) -> tuple[HeldAttempt, ...]:
    found = tx.conn.execute(_UNSENT, {"worker": row.worker}).mappings()
    return tuple(held_attempt(each) for each in found if each["id"] not in row.known)


def _claim_one(tx: Tx, request: ClaimRequest) -> ClaimResult:
    if workers.is_draining(tx, request.worker):
        return ClaimResult((), draining=True, retry_at=None)
    allowance = rate_limits.allowance(tx)
    staging.stage(tx)
    tx.deferred.write(tx, LockOrder.LANES)  # jobs that became ready in this transaction may be claimed in it
    lost = after_losses(tx, request.care)
    want = min(request.want, allowance.slots, allowance.submits)
    want = want if lost.room is None else min(want, lost.room)
    picks = (
        select_jobs(
            tx=tx,
            want=want,
            day=day_of(tx.now, request.timezone),
            run_ids=request.run_ids,
            only_round=request.only_round,
        )
        if want > 0
        else []
    )
    picks = _with_pictures(tx, picks)
    if picks:
        rate_limits.grant(tx, len(picks))
    claimed = _lease(tx, request, picks)
    retry_at = _retry_at(tx, lost.held_until, rate_bound=allowance.submits <= len(picks))
    return ClaimResult(claimed, draining=False, retry_at=retry_at, concurrency=allowance.concurrency)


def _with_pictures(tx: Tx, picks: Sequence[Selected]) -> list[Selected]:
    """Those of the jobs that may be made of what they have: a picture that was chosen otherwise a moment ago,
    by a transaction that settled nothing or by none, is never sent.
    """
    right = needs.still_right(tx, [pick.job_id for pick in picks if pick.needs])
    return [pick for pick in picks if not pick.needs or pick.job_id in right]


def _retry_at(tx: Tx, held_until: int | None, *, rate_bound: bool) -> int | None:
    candidates = [
        held_until,
        tx.conn.execute(_NEXT_DUE).scalar(),
        rate_window.next_grant_at(tx) if rate_bound else None,
    ]
    return min((at for at in candidates if at is not None), default=None)


def _lease(tx: Tx, request: ClaimRequest, picks: Sequence[Selected]) -> tuple[HeldAttempt, ...]:
    if not picks:
        return ()
    day = day_of(tx.now, request.timezone)
    first_id = next_attempt_id(tx)
    rows = [
        _attempt_row(tx=tx, request=request, attempt_id=attempt_id, pick=pick, day=day)
        for attempt_id, pick in enumerate(picks, start=first_id)
    ]
    dialect.run_many(tx.conn, _RUN, [{"j_id": pick.job_id} for pick in picks])
    dialect.run_many(tx.conn, _INSERT_ATTEMPT, rows)
    movements = [
        ledger.Movement(
            kind=LedgerKind.RESERVE,
            attempt_id=row["id"],
            run_id=row["run_id"],
            campaign_id=row["campaign_id"],
            day=day,
            held_delta=row["price_micros"],
        )
        for row in rows
    ]
    caps = {cap.key: cap for pick in picks for cap in pick.lane.caps}
    ledger.reserve(tx, movements, caps.values())
    return _load(tx, rows, picks)


def _load(tx: Tx, rows: Sequence[dict[str, Any]], picks: Sequence[Selected]) -> tuple[HeldAttempt, ...]:
    """The attempts that were just written, built without reading them again."""
    specs = {spec.job_id: spec for spec in tx.conn.execute(_SPECS, {"ids": [pick.job_id for pick in picks]})}
    return tuple(
        held_attempt(
            {
                **_NOT_ACCEPTED,
                **row,
                "model": pick.lane.model,
                "images": pick.images,
                "lane_id": pick.lane.id,
                "price_digest": pick.lane.price_digest,
                "list_micros": pick.lane.list_micros,
                "params": specs[pick.job_id].params,
                "local_images": specs[pick.job_id].local_images,
            }
        )
        for row, pick in zip(rows, picks, strict=True)
    )


def _attempt_row(tx: Tx, request: ClaimRequest, attempt_id: int, pick: Selected, day: str) -> dict[str, Any]:
    return {
        "id": attempt_id,
        "job_id": pick.job_id,
        "run_id": pick.lane.run_id,
        "campaign_id": pick.lane.campaign_id,
        "number": pick.attempts + 1,
        "state": step(ATTEMPT_TRANSITIONS, None, AttemptEvent.CLAIMED).value,
        "token": request.token(),
        "worker": request.worker,
        "epoch": 1,
        "lease_expires_at": tx.now + request.lease_ms,
        "rate_granted_at": tx.now,
        "leased_at": tx.now,
        "reservation": step(RESERVATION_TRANSITIONS, None, ReservationEvent.RESERVED).value,
        "day": day,
        "price_micros": pick.lane.price_micros,
    }


_RUN: Final = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("j_id"),
        jobs.c.state == JobState.PENDING.value,
        jobs.c.queue == Queue.READY.value,
    )
    .values(
        state=step(JOB_TRANSITIONS, JobState.PENDING, JobEvent.CLAIMED).value,
        queue=None,
        due_at=None,
        reason=None,
        message=None,
        attempts=jobs.c.attempts + 1,
    )
)

_UNSENT: Final = HELD_ATTEMPTS.where(
    ATTEMPT_IS_LIVE,
    attempts.c.state == AttemptState.LEASED.value,
    attempts.c.worker == bindparam("worker"),
).order_by(attempts.c.id)
_NOT_ACCEPTED: Final = dict.fromkeys(("prediction_id", "accepted_at", "inference_ms", "overdue_at"))

_SPECS: Final = select(job_specs.c.job_id, job_specs.c.params, job_specs.c.local_images).where(
    job_specs.c.job_id.in_(bindparam("ids", expanding=True))
)
_INSERT_ATTEMPT: Final = attempts.insert()

_NEXT_DUE: Final = (
    select(jobs.c.due_at).where(JOB_WAITING, jobs.c.due_at.is_not(None)).order_by(jobs.c.due_at).limit(1)
)
