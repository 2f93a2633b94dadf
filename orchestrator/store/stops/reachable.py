"""How many of the jobs that wait the caps let through: what is left under each, over what its jobs cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.store.claiming.chains import LanePart
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_READY, Scope, jobs
from orchestrator.store.money.caps import Cap

Waiting = Mapping[int, int]
"""Jobs that wait, by lane."""


def beyond_caps(tx: Tx, lanes: Iterable[Lane], pending: int, *, ids: Sequence[int] | None = None) -> int:
    """About how many of the `pending` jobs of these lanes, which may be only those of `ids`, wait for money
    that no cap has left. Exact where they all cost the same.

    Most often the caps have room for all at the dearest price, and then nothing is counted.
    """
    found = [lane for lane in lanes if lane.part is not LanePart.FOLLOWING]  # those have their money kept
    most = max(map(_asked, found), default=0)
    if all(_left(lane, cap) >= pending * most for lane in found for cap in lane.caps):
        return 0
    if len(found) == 1:
        return beyond(found, {found[0].id: pending})
    return beyond(found, _waiting(tx, found) if ids is None else _waiting_of(tx, ids))


def _asked(lane: Lane) -> int:
    return lane.price_micros + lane.follow_micros


def _left(lane: Lane, cap: Cap) -> int:
    return max(0, cap.remaining_micros - lane.kept.under(cap.scope, cap.scope_id))


def beyond(lanes: Iterable[Lane], waiting: Waiting) -> int:
    """The same of so many jobs; a cap stops nothing that a narrower one has stopped. Pure."""
    found = list(lanes)
    by_run: dict[tuple[int, int], list[Lane]] = {}
    for lane in found:
        by_run.setdefault((lane.campaign_id, lane.run_id), []).append(lane)
    by_campaign: dict[int, int] = {}
    for (campaign_id, _run), its in by_run.items():
        by_campaign[campaign_id] = by_campaign.get(campaign_id, 0) + _stopped(its, waiting, Scope.RUN)
    for campaign_id, narrower in by_campaign.items():
        its = [lane for lane in found if lane.campaign_id == campaign_id]
        by_campaign[campaign_id] = max(narrower, _stopped(its, waiting, Scope.CAMPAIGN))
    return max(sum(by_campaign.values()), _stopped(found, waiting, Scope.ACCOUNT))


def _stopped(lanes: Iterable[Lane], waiting: Waiting, scope: Scope) -> int:
    caps: dict[tuple[str, int, str], int] = {}
    pairs = [(waiting.get(lane.id, 0), lane) for lane in lanes]
    jobs_there, cost = (
        sum(number for number, _ in pairs),
        sum(number * _asked(lane) for number, lane in pairs),
    )
    for _, lane in pairs:
        caps.update((cap.key, _left(lane, cap)) for cap in lane.caps if cap.scope is scope)
    left = min(caps.values(), default=cost)
    if cost <= left:
        return 0
    return jobs_there - jobs_there * left // cost


def _waiting(tx: Tx, lanes: Iterable[Lane]) -> dict[int, int]:
    rows = tx.conn.execute(_READY, {"lanes": [lane.id for lane in lanes]})
    return {row.lane_id: row.jobs for row in rows}


def _waiting_of(tx: Tx, ids: Sequence[int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for chunk in chunks(list(ids)):
        query = _COUNTED.where(jobs.c.id.in_(chunk), JOB_READY).group_by(jobs.c.lane_id)
        found.update({row.lane_id: row.jobs for row in tx.conn.execute(query)})
    return found


_COUNTED: Final = select(jobs.c.lane_id, func.count().label("jobs"))
_READY: Final = _COUNTED.where(jobs.c.lane_id.in_(bindparam("lanes", expanding=True)), JOB_READY).group_by(
    jobs.c.lane_id
)
