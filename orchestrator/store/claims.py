"""The claim: one transaction that takes slots, rate grants and money together, for jobs that may run now.

The claim looks at lanes (jobs of one run at one price) in order of priority. A lane that is paused or whose price does
not fit under some cap is passed over whole, so that nothing behind it waits. Among campaigns of equal priority the one
with the fewest slots goes first; inside a campaign every job's first variation comes before any second one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from sqlalchemy import bindparam, exists, select, update

from orchestrator.core.budget import day_of
from orchestrator.core.states import AttemptState, JobState, ReservationState
from orchestrator.store import dialect, limits, money, pauses
from orchestrator.store.database import Tx
from orchestrator.store.schema import (
    JOB_READY,
    JOB_WAITING,
    LANE_OPEN,
    LedgerKind,
    Queue,
    Scope,
    attempts,
    job_specs,
    jobs,
    lanes,
    runs,
)

STAGE_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Who asks, for how much, under which rules."""

    worker: str
    want: int
    lease_ms: int
    timezone: str
    token: Callable[[], str]
    run_ids: frozenset[int] | None = None  # None: any run


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt this worker may now make."""

    attempt_id: int
    job_id: int
    run_id: int
    epoch: int
    number: int
    token: str
    model: str
    images: int
    price_micros: int
    params: dict[str, Any]
    local_images: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What a claim got, and when it is worth asking again."""

    claimed: tuple[Claimed, ...]
    retry_at: int | None  # ms; when the rate window or a waiting job frees something; None: not by time


@dataclass(slots=True)
class _Lane:
    id: int
    run_id: int
    campaign_id: int
    model: str
    price_micros: int
    priority: int
    caps: list[money.Cap]


@dataclass(frozen=True, slots=True)
class _Pick:
    lane: _Lane
    job_id: int
    variation: int
    attempts: int
    images: int


def claim(tx: Tx, requests: Sequence[ClaimRequest]) -> list[ClaimResult]:
    """Serve each request in turn; what a cap, a limit or a pause forbids is simply not among the claimed."""
    return [_claim_one(tx, request) for request in requests]


def stage(tx: Tx) -> int:
    """Make waiting jobs ready whose time has come; returns how many (bounded; call again when it is the bound)."""
    due = tx.conn.execute(
        select(jobs.c.id, jobs.c.lane_id)
        .where(JOB_WAITING, jobs.c.due_at <= tx.now)
        .order_by(jobs.c.due_at)
        .limit(STAGE_MAX)
    ).all()
    if not due:
        return 0
    _open_lanes(tx, {row.lane_id for row in due})
    tx.conn.execute(_STAGE, [{"j_id": row.id} for row in due])
    return len(due)


def _claim_one(tx: Tx, request: ClaimRequest) -> ClaimResult:
    allowance = limits.allowance(tx)
    stage(tx)
    want = min(request.want, allowance.slots, allowance.submits)
    picks = _choose(tx, request, want) if want > 0 else []
    if picks:
        limits.grant(tx, len(picks))
    claimed = _lease(tx, request, picks)
    return ClaimResult(claimed, _retry_at(tx, rate_bound=allowance.submits <= len(picks)))


def _retry_at(tx: Tx, *, rate_bound: bool) -> int | None:
    candidates = [
        tx.conn.execute(select(jobs.c.due_at).where(JOB_WAITING).order_by(jobs.c.due_at).limit(1)).scalar(),
        limits.next_grant_at(tx) if rate_bound else None,
    ]
    return min((at for at in candidates if at is not None), default=None)


def _choose(tx: Tx, request: ClaimRequest, want: int) -> list[_Pick]:
    day = day_of(tx.now, request.timezone)
    open_lanes = _lanes(tx, request, day)
    left = _Headroom()
    picks: list[_Pick] = []
    for _, group in groupby(open_lanes, key=lambda lane: lane.priority):
        missing = want - len(picks)
        if missing <= 0:
            break
        picks.extend(_take_turns(tx, list(group), missing, left))
    return picks


class _Headroom:
    """What is left under each cap while one claim chooses."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, int, str, str], int] = {}

    def fits(self, lane: _Lane) -> bool:
        return all(self._of(cap) >= lane.price_micros for cap in lane.caps)

    def take(self, lane: _Lane) -> None:
        for cap in lane.caps:
            self._left[*cap.key, cap.window.value] = self._of(cap) - lane.price_micros

    def _of(self, cap: money.Cap) -> int:
        return self._left.get((*cap.key, cap.window.value), cap.headroom_micros)


def _take_turns(tx: Tx, group: Sequence[_Lane], want: int, left: _Headroom) -> list[_Pick]:
    """Candidates of equal priority while money lasts, always from the campaign that has the fewest slots by now."""
    by_campaign: dict[int, list[_Lane]] = {}
    for lane in group:
        if left.fits(lane):
            by_campaign.setdefault(lane.campaign_id, []).append(lane)
    queues = {id_: iter(_candidates(tx, its_lanes, want)) for id_, its_lanes in by_campaign.items()}
    slots = Counter(limits.slots_by_campaign(tx) if len(queues) > 1 else {})
    picks: list[_Pick] = []
    while queues and len(picks) < want:
        campaign_id = min(queues, key=lambda id_: slots[id_])
        pick = next((candidate for candidate in queues[campaign_id] if left.fits(candidate.lane)), None)
        if pick is None:
            del queues[campaign_id]
            continue
        left.take(pick.lane)
        picks.append(pick)
        slots[campaign_id] += 1
    return picks


def _candidates(tx: Tx, campaign_lanes: Sequence[_Lane], want: int) -> list[_Pick]:
    picks: list[_Pick] = []
    for lane in campaign_lanes:
        rows = tx.conn.execute(
            dialect.lock_rows(tx.conn, _READY, skip_locked=True), {"lane": lane.id, "want": want}
        ).all()
        if not rows:
            _close_if_idle(tx, lane.id)
        picks.extend(_Pick(lane, row.id, row.variation, row.attempts, row.images) for row in rows)
    return sorted(picks, key=lambda pick: (pick.variation, pick.job_id))


def _lanes(tx: Tx, request: ClaimRequest, day: str) -> list[_Lane]:
    """Open lanes that no pause covers, by priority, each with the caps over it."""
    query = (
        select(
            lanes.c.id,
            lanes.c.run_id,
            lanes.c.price_micros,
            lanes.c.priority,
            runs.c.campaign_id,
            runs.c.model,
        )
        .join_from(lanes, runs)
        .where(LANE_OPEN)
        .order_by(lanes.c.priority.desc(), lanes.c.id)
    )
    if request.run_ids is not None:
        query = query.where(lanes.c.run_id.in_(request.run_ids))
    rows = tx.conn.execute(query).all()
    paused = {(pause.scope, pause.name) for pause in pauses.in_force(tx)}
    if not rows or ("account", "") in paused:
        return []
    caps = _caps_by_scope(tx, day, {row.campaign_id for row in rows}, {row.run_id for row in rows})
    return [
        _Lane(
            row.id,
            row.run_id,
            row.campaign_id,
            row.model,
            row.price_micros,
            row.priority,
            [
                *caps.get((Scope.ACCOUNT, money.ACCOUNT_ID), ()),
                *caps.get((Scope.CAMPAIGN, row.campaign_id), ()),
                *caps.get((Scope.RUN, row.run_id), ()),
            ],
        )
        for row in rows
        if not paused & {("model", row.model), ("campaign", str(row.campaign_id)), ("run", str(row.run_id))}
    ]


def _caps_by_scope(
    tx: Tx, day: str, campaign_ids: Iterable[int], run_ids: Iterable[int]
) -> dict[tuple[Scope, int], list[money.Cap]]:
    found: dict[tuple[Scope, int], list[money.Cap]] = {}
    for cap in money.caps_in_force(tx, day, campaign_ids=campaign_ids, run_ids=run_ids):
        found.setdefault((cap.scope, cap.scope_id), []).append(cap)
    return found


def _lease(tx: Tx, request: ClaimRequest, picks: Sequence[_Pick]) -> tuple[Claimed, ...]:
    if not picks:
        return ()
    day = day_of(tx.now, request.timezone)
    first_id = _next_attempt_id(tx)
    rows = [
        _attempt_row(tx, request, attempt_id, pick, day)
        for attempt_id, pick in enumerate(picks, start=first_id)
    ]
    tx.conn.execute(_RUN, [{"j_id": pick.job_id} for pick in picks])
    tx.conn.execute(attempts.insert(), rows)
    movements = [
        money.Movement(
            LedgerKind.RESERVE,
            row["id"],
            row["run_id"],
            row["campaign_id"],
            day,
            held_delta=row["price_micros"],
        )
        for row in rows
    ]
    caps = {cap.key: cap for pick in picks for cap in pick.lane.caps}
    money.reserve(tx, movements, caps.values())
    return _load(tx, rows, picks)


def _load(tx: Tx, rows: Sequence[dict[str, Any]], picks: Sequence[_Pick]) -> tuple[Claimed, ...]:
    specs = {
        spec.job_id: spec
        for spec in tx.conn.execute(
            select(job_specs.c.job_id, job_specs.c.params, job_specs.c.local_images).where(
                job_specs.c.job_id.in_([pick.job_id for pick in picks])
            )
        )
    }
    return tuple(
        Claimed(
            row["id"],
            row["job_id"],
            row["run_id"],
            row["epoch"],
            row["number"],
            row["token"],
            pick.lane.model,
            pick.images,
            row["price_micros"],
            specs[pick.job_id].params,
            specs[pick.job_id].local_images,
        )
        for row, pick in zip(rows, picks, strict=True)
    )


def _attempt_row(tx: Tx, request: ClaimRequest, attempt_id: int, pick: _Pick, day: str) -> dict[str, Any]:
    return {
        "id": attempt_id,
        "job_id": pick.job_id,
        "run_id": pick.lane.run_id,
        "campaign_id": pick.lane.campaign_id,
        "number": pick.attempts + 1,
        "state": AttemptState.LEASED.value,
        "token": request.token(),
        "worker": request.worker,
        "epoch": 1,
        "lease_expires_at": tx.now + request.lease_ms,
        "rate_granted_at": tx.now,
        "leased_at": tx.now,
        "reservation": ReservationState.HELD.value,
        "day": day,
        "price_micros": pick.lane.price_micros,
    }


def _next_attempt_id(tx: Tx) -> int:
    highest = tx.conn.execute(select(attempts.c.id).order_by(attempts.c.id.desc()).limit(1)).scalar()
    return (highest or 0) + 1


def _open_lanes(tx: Tx, lane_ids: set[int]) -> None:
    tx.conn.execute(update(lanes).where(lanes.c.id.in_(sorted(lane_ids)), lanes.c.idle).values(idle=False))


def _close_if_idle(tx: Tx, lane_id: int) -> None:
    """Stop looking at a lane with nothing ready. Whoever makes a job ready opens it first, under the same lock."""
    tx.conn.execute(dialect.lock_rows(tx.conn, select(lanes.c.id).where(lanes.c.id == lane_id)))
    ready = exists().where(jobs.c.lane_id == lane_id, JOB_READY)
    tx.conn.execute(update(lanes).where(lanes.c.id == lane_id, ~ready).values(idle=True))


_READY: Final = (
    select(jobs.c.id, jobs.c.variation, jobs.c.attempts, jobs.c.images)
    .where(jobs.c.lane_id == bindparam("lane"), JOB_READY)
    .order_by(jobs.c.variation, jobs.c.id)
    .limit(bindparam("want"))
)

_RUN: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.queue == Queue.READY.value)
    .values(
        state=JobState.RUNNING.value,
        queue=None,
        due_at=None,
        reason=None,
        message=None,
        attempts=jobs.c.attempts + 1,
    )
)

_STAGE: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.queue == Queue.WAITING.value)
    .values(queue=Queue.READY.value, due_at=None)
)
