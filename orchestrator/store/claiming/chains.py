"""`reserve: chain`: money that is kept for what follows from jobs that were begun.

A job of the manifest itself is begun only while every cap over its run has room for its price, for the prices
of all that follows from it, and for what is kept already. What is kept is the price of every waiting job of a
later stage whose chain was begun and can still come; nobody else may spend it, and such a job spends its own.
It is never posted to the ledger: it is read anew by each claim, under the account's lock, from the jobs that
wait. So it is given back in the moment in which a chain comes to nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BindParameter, Select, and_, bindparam, exists, func, not_, or_, select, text

from orchestrator.core.paths import QUARANTINE
from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    JOB_IS_CANARY,
    JOB_NEEDS,
    JOB_READY,
    JOB_WAITING,
    OutputState,
    Queue,
    Scope,
    jobs,
    lanes,
    outputs,
    runs,
)


class LanePart(StrEnum):
    """Which jobs of a lane are meant."""

    ALL = "all"
    FIRST = "first"  # those that begin a chain, of a run that keeps money for chains
    FOLLOWING = "following"  # those that take the picture of another, of such a run


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for chains that were begun, in micros."""

    by_owner: Mapping[tuple[Scope, int], int] = field(default_factory=dict)

    def under(self, scope: Scope, scope_id: int) -> int:
        """How much of it counts under the caps of one owner."""
        return self.by_owner.get((scope, scope_id), 0)


NOTHING_KEPT: Final = Kept()


def kept(tx: Tx) -> Kept:
    """All of it. Where no run keeps money for chains this is one look at the runs."""
    run_ids = list(tx.conn.execute(_CHAINED).scalars())
    if not run_ids:
        return NOTHING_KEPT
    found: dict[tuple[Scope, int], int] = {}
    for row in tx.conn.execute(_KEPT, {"runs": run_ids}):
        micros = int(row.micros)
        for owner in ((Scope.ACCOUNT, 0), (Scope.CAMPAIGN, row.campaign_id), (Scope.RUN, row.run_id)):
            found[owner] = found.get(owner, 0) + micros
    return Kept(found)


def follows(tx: Tx, job_ids: Collection[int]) -> dict[int, int]:
    """What all that waits for the pictures of these jobs costs, and what waits for those in turn, as far as
    nothing is kept for it yet, in micros: also of a further try that brings what its first try could not.
    """
    roots: dict[int, int] = {}
    for chunk in chunks(sorted(job_ids)):
        roots.update({row.id: row.root for row in tx.conn.execute(_ROOTS, {"ids": list(chunk)})})
    costs: dict[int, int] = {}
    for chunk in chunks(sorted(set(roots.values()))):
        for row in tx.conn.execute(_FOLLOWS, {"ids": list(chunk)}):
            costs[row.root] = int(row.micros)
    return {job_id: costs.get(roots[job_id], 0) for job_id in job_ids}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one part of a lane."""

    ready: bool
    head: int  # the job that is next


def parts(
    tx: Tx, lane_ids: Iterable[int], *, gated: Collection[int] = (), only_round: int | None = None
) -> dict[int, dict[LanePart, Waiting]]:
    """For each of the lanes: its parts that have jobs ready, or due later. Of a run whose gate is closed only
    the canary counts.
    """
    found: dict[int, dict[LanePart, Waiting]] = {}
    for lane_id in lane_ids:
        its = found[lane_id] = {}
        for part, condition in (
            (LanePart.FIRST, jobs.c.needs_job.is_(None)),
            (LanePart.FOLLOWING, jobs.c.needs_job.is_not(None)),
        ):
            for base, ready in ((_READY, True), (_DUE, False)):
                query = base.where(condition)
                query = query.where(JOB_IS_CANARY) if lane_id in gated and ready else query
                query = query if only_round is None else query.where(jobs.c.round == only_round)
                head = tx.conn.execute(query, {"lane": lane_id}).scalar()
                if head is not None:
                    its[part] = Waiting(ready=ready, head=head)
                    break
    return found


def part_of(tx: Tx, job_id: int) -> dict[LanePart, Waiting]:
    """The part that one job belongs to, as if it were next."""
    row = tx.conn.execute(_ONE, {"id": job_id}).one()
    part = LanePart.FIRST if row.needs_job is None else LanePart.FOLLOWING
    return {part: Waiting(ready=row.queue == Queue.READY.value, head=job_id)}


_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_PENDING: Final = JobState.PENDING.value
_SOURCE: Final = jobs.alias("source")
_TRY: Final = jobs.alias("further")
_ORIGINAL: Final = jobs.alias("original")
_REJECTED: Final = "rejected"


def _may_give(job: Any) -> Any:
    """Whether a job is being made, or has pictures that are not rejected."""
    kept_good = or_(job.c.verdict.is_(None), job.c.verdict != _REJECTED)
    return or_(job.c.state == JobState.RUNNING.value, (job.c.state == JobState.SUCCEEDED.value) & kept_good)


def _begun(source: Any) -> Any:
    """Whether a chain has begun with this job, or one of its further tries, and can still come."""
    of_another = exists().where(_ORIGINAL.c.id == source.c.reused_from, _may_give(_ORIGINAL))
    again = exists().where(
        _TRY.c.redo_of == source.c.id, text("further.redo_of IS NOT NULL"), _may_give(_TRY)
    )
    return or_(_may_give(source), of_another, again)


_CAN_COME: Final = or_(
    jobs.c.needs_sha256.is_not(None),
    _SOURCE.c.state != JobState.SUCCEEDED.value,
    exists().where(_TRY.c.redo_of == _SOURCE.c.id, text("further.redo_of IS NOT NULL"), _may_give(_TRY)),
    exists().where(
        outputs.c.job_id == _SOURCE.c.id,
        outputs.c.idx == jobs.c.needs_index,
        outputs.c.state == OutputState.STORED.value,
        or_(outputs.c.nsfw.is_(None), outputs.c.nsfw.is_(False)),
        func.coalesce(outputs.c.stored_path, outputs.c.path).not_like(f"{QUARANTINE}/%"),
    ),
)
_CHAINED: Final = select(runs.c.id).where(
    runs.c.chain_reserved,
    exists().where(jobs.c.run_id == runs.c.id, jobs.c.state == _PENDING, JOB_NEEDS).correlate(runs),
)


def _kept() -> Select[Any]:
    chain = (
        select(jobs.c.id, jobs.c.run_id, jobs.c.lane_id)
        .join_from(jobs, _SOURCE, _SOURCE.c.id == jobs.c.needs_job)
        .where(
            jobs.c.run_id.in_(bindparam("runs", expanding=True)),
            jobs.c.state == _PENDING,
            JOB_NEEDS,
            _begun(_SOURCE),
            _CAN_COME,
        )
        .cte("chain", recursive=True)
    )
    further = (
        select(jobs.c.id, jobs.c.run_id, jobs.c.lane_id)
        .join_from(chain, jobs, jobs.c.needs_job == chain.c.id)
        .where(JOB_NEEDS, jobs.c.state == _PENDING)
    )
    chain = chain.union(further)
    return (
        select(chain.c.run_id, runs.c.campaign_id, func.sum(lanes.c.price_micros).label("micros"))
        .join_from(chain, lanes, lanes.c.id == chain.c.lane_id)
        .join(runs, runs.c.id == chain.c.run_id)
        .group_by(chain.c.run_id, runs.c.campaign_id)
    )


def _follows() -> Select[Any]:
    chain = (
        select(jobs.c.needs_job.label("root"), jobs.c.id, jobs.c.lane_id)
        .join_from(jobs, _SOURCE, _SOURCE.c.id == jobs.c.needs_job)
        .where(
            jobs.c.needs_job.in_(_IDS),
            JOB_NEEDS,
            jobs.c.state == _PENDING,
            not_(and_(_begun(_SOURCE), _CAN_COME)),
        )
        .cte("follow", recursive=True)
    )
    further = (
        select(chain.c.root, jobs.c.id, jobs.c.lane_id)
        .join_from(chain, jobs, jobs.c.needs_job == chain.c.id)
        .where(JOB_NEEDS, jobs.c.state == _PENDING)
    )
    chain = chain.union(further)
    return (
        select(chain.c.root, func.sum(lanes.c.price_micros).label("micros"))
        .join_from(chain, lanes, lanes.c.id == chain.c.lane_id)
        .group_by(chain.c.root)
    )


_KEPT: Final = _kept()
_FOLLOWS: Final = _follows()
_ROOTS: Final = select(jobs.c.id, func.coalesce(jobs.c.redo_of, jobs.c.id).label("root")).where(
    jobs.c.id.in_(_IDS)
)
_ONE: Final = select(jobs.c.needs_job, jobs.c.queue).where(jobs.c.id == bindparam("id"))
_OF_LANE: Final = select(jobs.c.id).where(jobs.c.lane_id == bindparam("lane")).limit(1)
_READY: Final = _OF_LANE.where(JOB_READY).order_by(jobs.c.round, jobs.c.id)
_DUE: Final = _OF_LANE.where(JOB_WAITING, jobs.c.due_at.is_not(None)).order_by(jobs.c.due_at)
