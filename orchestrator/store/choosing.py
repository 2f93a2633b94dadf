"""Which jobs a claim takes: by priority, campaigns in turn, first variations first, under every pause and cap."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import bindparam, exists, select, update

from orchestrator.store import dialect, limits, money, pauses
from orchestrator.store.database import Tx
from orchestrator.store.schema import JOB_READY, LANE_OPEN, Scope, jobs, lanes, runs


@dataclass(slots=True)
class Lane:
    """Jobs of one run at one price, with the caps over them."""

    id: int
    run_id: int
    campaign_id: int
    model: str
    price_micros: int
    priority: int
    caps: list[money.Cap]


@dataclass(frozen=True, slots=True)
class Pick:
    """A job that the claim takes."""

    lane: Lane
    job_id: int
    variation: int
    attempts: int
    images: int


def choose(tx: Tx, want: int, day: str, run_ids: Collection[int] | None) -> list[Pick]:
    """Up to `want` jobs that may run now, of the given runs (None: of all); `day` decides which caps are in force."""
    open_lanes = _lanes(tx, day, run_ids)
    left = Headroom()
    picks: list[Pick] = []
    for _, group in groupby(open_lanes, key=lambda lane: lane.priority):
        missing = want - len(picks)
        if missing <= 0:
            break
        picks.extend(_take_turns(tx, list(group), missing, left))
    return picks


class Headroom:
    """What is left under each cap while one claim chooses."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, int, str, str], int] = {}

    def fits(self, lane: Lane) -> bool:
        """Whether one more job of this lane fits under every cap."""
        return all(self._of(cap) >= lane.price_micros for cap in lane.caps)

    def take(self, lane: Lane) -> None:
        """Count one job of this lane."""
        for cap in lane.caps:
            self._left[*cap.key, cap.window.value] = self._of(cap) - lane.price_micros

    def _of(self, cap: money.Cap) -> int:
        return self._left.get((*cap.key, cap.window.value), cap.headroom_micros)


def _take_turns(tx: Tx, group: Sequence[Lane], want: int, left: Headroom) -> list[Pick]:
    """Candidates of equal priority while money lasts, always from the campaign that has the fewest slots by now."""
    by_campaign: dict[int, list[Lane]] = {}
    for lane in group:
        if left.fits(lane):
            by_campaign.setdefault(lane.campaign_id, []).append(lane)
    queues = {id_: iter(_candidates(tx, its_lanes, want)) for id_, its_lanes in by_campaign.items()}
    slots = Counter(limits.slots_by_campaign(tx) if len(queues) > 1 else {})
    picks: list[Pick] = []
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


def _candidates(tx: Tx, campaign_lanes: Sequence[Lane], want: int) -> list[Pick]:
    picks: list[Pick] = []
    for lane in campaign_lanes:
        rows = tx.conn.execute(
            dialect.lock_rows(tx.conn, _READY, skip_locked=True), {"lane": lane.id, "want": want}
        ).all()
        if not rows:
            _close_if_idle(tx, lane.id)
        picks.extend(Pick(lane, row.id, row.variation, row.attempts, row.images) for row in rows)
    return sorted(picks, key=lambda pick: (pick.variation, pick.job_id))


def _lanes(tx: Tx, day: str, run_ids: Collection[int] | None) -> list[Lane]:
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
    if run_ids is not None:
        query = query.where(lanes.c.run_id.in_(list(run_ids)))
    rows = tx.conn.execute(query).all()
    paused = {(pause.scope, pause.name) for pause in pauses.in_force(tx)}
    if not rows or ("account", "") in paused:
        return []
    caps = _caps_by_scope(tx, day, {row.campaign_id for row in rows}, {row.run_id for row in rows})
    return [
        Lane(
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
