"""Which jobs a claim takes: by priority, then by the fair share of campaigns, lowest rounds first, from
lanes that nothing stops.

While the gate of a run is closed only its canary is taken (`store/runs/gates.py`). A claim reads the open
lanes, and about as many jobs as it takes: the jobs of a campaign are read only when it is served.
"""

from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush
from itertools import groupby
from typing import Any, Final

from sqlalchemy import bindparam, exists, select, tuple_, update

from orchestrator.core.fair_share import FairShare
from orchestrator.store.claiming import chains
from orchestrator.store.claiming.chains import LanePart
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.claiming.lanes import unpaused_lanes
from orchestrator.store.claiming.taken import Selected, Taken
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_HAS_PICTURE, JOB_IS_CANARY, JOB_READY, campaigns, jobs, lanes

Rounds = tuple[int, int]
"""The first and the last round that may be taken."""

LOWEST: Final = -(2**31)
HIGHEST: Final = 2**31 - 1


def select_jobs(
    tx: Tx, want: int, day: str, run_ids: Collection[int] | None, *, only_round: int | None = None
) -> list[Selected]:
    """Up to `want` jobs that may run now, of the given runs (None: of all) and of one round (None: of any);
    `day` decides which caps are in force.
    """
    rounds = (LOWEST, HIGHEST) if only_round is None else (only_round, only_round)
    open_lanes = unpaused_lanes(tx, day, run_ids)
    taken = Taken()
    moved: dict[int, int] = {}  # new positions in the fair share, by campaign
    picks: list[Selected] = []
    for _, group in groupby(open_lanes, key=lambda lane: lane.priority):
        missing = want - len(picks)
        if missing <= 0:
            break
        picks.extend(
            _take_by_fair_share(
                tx=tx, group=list(group), want=missing, rounds=rounds, taken=taken, moved=moved
            )
        )
    if moved:
        tx.conn.execute(_SERVE, [{"c_id": id_, "c_served": at} for id_, at in sorted(moved.items())])
    return picks


def _take_by_fair_share(
    tx: Tx, group: Sequence[Lane], want: int, rounds: Rounds, taken: Taken, moved: dict[int, int]
) -> list[Selected]:
    """Jobs of equal priority while money lasts, shared among campaigns by their weights; see
    `core.fair_share`.
    """
    by_campaign: dict[int, list[Lane]] = {}
    for lane in group:
        if taken.admits(lane):
            by_campaign.setdefault(lane.campaign_id, []).append(lane)
    turns = FairShare(
        {
            id_: (moved.get(id_, its_lanes[0].served), its_lanes[0].weight)
            for id_, its_lanes in by_campaign.items()
        }
    )
    share = -(-want // max(1, len(by_campaign)))
    queues: dict[int, Iterator[Selected]] = {}
    picks: list[Selected] = []
    while len(picks) < want and (campaign_id := turns.turn()) is not None:
        if campaign_id not in queues:  # only now: of ten thousand campaigns, one claim serves few
            queues[campaign_id] = _candidates(tx, by_campaign[campaign_id], share, rounds=rounds, taken=taken)
        pick = next((candidate for candidate in queues[campaign_id] if taken.admits_job(candidate)), None)
        if pick is None:
            turns.passed()
            continue
        taken.add(pick)
        picks.append(pick)
        turns.took()
    moved.update(turns.moved)
    return picks


def _candidates(
    tx: Tx, campaign_lanes: Sequence[Lane], at_first: int, rounds: Rounds, taken: Taken
) -> Iterator[Selected]:
    """Ready jobs of a campaign, lowest rounds first, read from its lanes on demand."""
    heads = _heads(tx, campaign_lanes)
    queue: list[tuple[int, int, int, Selected | None, Iterator[Selected]]] = []
    for number, lane in enumerate(campaign_lanes):
        if lane.id in heads:
            heappush(
                queue,
                (*heads[lane.id], number, None, _jobs_of(tx, lane, at_first, rounds=rounds, taken=taken)),
            )
        else:
            _close_if_idle(tx, lane.id)
    while queue:
        _, _, number, pick, rest = heappop(queue)
        if pick is not None:
            yield pick
        following = next(rest, None)
        if following is not None:
            heappush(queue, (following.round, following.job_id, number, following, rest))


def _heads(tx: Tx, campaign_lanes: Sequence[Lane]) -> dict[int, tuple[int, int]]:
    """Round and id of the first ready job of every lane that has one; each is one index lookup."""
    if len(campaign_lanes) == 1:
        return {campaign_lanes[0].id: (0, 0)}  # nothing to merge, so the first job is not needed
    found: dict[int, tuple[int, int]] = {}
    for chunk in chunks([lane.id for lane in campaign_lanes]):
        rows = tx.conn.execute(_HEADS, {"lanes": chunk})
        found.update({row.id: (row.round, row.job_id) for row in rows if row.job_id is not None})
    return found


def _jobs_of(tx: Tx, lane: Lane, at_first: int, rounds: Rounds, taken: Taken) -> Iterator[Selected]:
    """Ready jobs of one lane in order, read in pages that double in size."""
    # Whoever works on a part of a run makes its canary first too: nobody else may be there to make it.
    count, (turn, last), job_id = at_first, (LOWEST, HIGHEST) if lane.gated else rounds, 0
    while not taken.is_stuck(lane):
        after = {"lane": lane.id, "round": turn, "id": job_id, "last": last, "want": count}
        query = (_READY_CANARY if lane.gated else _READY).where(*_PARTS[lane.part])
        rows = tx.conn.execute(dialect.lock_rows(tx.conn, query, skip_locked=True), after).all()
        if not rows and not job_id and not lane.gated:
            _close_if_idle(tx, lane.id)
        follows = chains.follows(tx, [row.id for row in rows]) if lane.part is LanePart.FIRST else {}
        for row in rows:
            yield Selected(
                lane=lane,
                job_id=row.id,
                round=row.round,
                attempts=row.attempts,
                images=row.images,
                needs=row.needs_job is not None,
                follow_micros=follows.get(row.id, 0),
            )
        if len(rows) < count:
            return
        turn, job_id = rows[-1].round, rows[-1].id
        count *= 2


def _close_if_idle(tx: Tx, lane_id: int) -> None:
    """Close a lane without ready jobs, so that claims skip it. A transaction that makes a job ready opens the
    lane under the same lock.

    A lane that another transaction has locked is left open: it is being opened, and waiting for it could
    deadlock, because a claim meets lanes in another order than a transaction that opens several.
    """
    one = select(lanes.c.id).where(lanes.c.id == lane_id)
    if not tx.conn.execute(dialect.lock_rows(tx.conn, one, skip_locked=True)).all():
        return
    ready = exists().where(jobs.c.lane_id == lane_id, JOB_READY)
    tx.conn.execute(update(lanes).where(lanes.c.id == lane_id, ~ready).values(idle=True))


_PARTS: Final[dict[LanePart, tuple[Any, ...]]] = {
    LanePart.ALL: (),
    LanePart.FIRST: (jobs.c.needs_job.is_(None),),
    LanePart.FOLLOWING: (jobs.c.needs_job.is_not(None),),
}
_RUN_OF_LANE: Final = select(lanes.c.run_id).where(lanes.c.id == bindparam("lane")).scalar_subquery()
_READY: Final = (
    select(jobs.c.id, jobs.c.round, jobs.c.attempts, jobs.c.images, jobs.c.needs_job)
    .where(jobs.c.lane_id == bindparam("lane"), JOB_READY, JOB_HAS_PICTURE)
    .where(tuple_(jobs.c.round, jobs.c.id) > tuple_(bindparam("round"), bindparam("id")))
    .where(jobs.c.round <= bindparam("last"))
    .order_by(jobs.c.round, jobs.c.id)
    .limit(bindparam("want"))
)

_READY_CANARY: Final = _READY.where(JOB_IS_CANARY, jobs.c.run_id == _RUN_OF_LANE)

_FIRST: Final = (
    select(jobs.c.id)
    .where(jobs.c.lane_id == lanes.c.id, JOB_READY)
    .order_by(jobs.c.round, jobs.c.id)
    .limit(1)
    .correlate(lanes)
)

_HEADS: Final = select(
    lanes.c.id,
    _FIRST.scalar_subquery().label("job_id"),
    _FIRST.with_only_columns(jobs.c.round).scalar_subquery().label("round"),
).where(lanes.c.id.in_(bindparam("lanes", expanding=True)))

_SERVE: Final = (
    update(campaigns).where(campaigns.c.id == bindparam("c_id")).values(served=bindparam("c_served"))
)
