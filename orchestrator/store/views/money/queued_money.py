"""The prices of jobs that wait and may still start before a moment, of the account and of each campaign."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, func, select, union_all

from orchestrator.core.forecast import DAY_MS, Bound, may_start
from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_NEEDS, JOB_READY, JOB_WAITING, Scope, Window, jobs
from orchestrator.store.money.caps import Cap

ACCOUNT: Final = (Scope.ACCOUNT.value, 0)

Owner = tuple[str, int]
"""A scope and the id of its row."""


def queued_micros(tx: Tx, lanes: Sequence[Lane], end: int, *, extra: Mapping[Owner, int]) -> dict[Owner, int]:
    """The prices of waiting jobs that may still start before `end`: nothing stops their lanes but time, and
    the caps let them through, a day cap anew each day. Those that wait for the picture of another are among
    them, unless the one that makes it has failed, was cancelled, or is rejected.
    """
    ids = [lane.id for lane in lanes if all(pause.until is not None for pause in lane.pauses)]
    waiting: dict[int, int] = {}
    for row in tx.conn.execute(_QUEUED, {"lanes": ids, "end": end}) if ids else ():
        waiting[row.lane_id] = waiting.get(row.lane_id, 0) + row.jobs
    times = max(0, (end - tx.now) // DAY_MS)
    lanes = list({lane.id: lane for lane in lanes}.values())  # one whose jobs are in two parts counts once
    by_run: dict[int, int] = {}
    found: dict[Owner, int] = dict(extra)
    caps: dict[Owner, dict[tuple[str, int, str], Cap]] = {}
    campaign_of: dict[int, int] = {}
    for lane in lanes:
        by_run[lane.run_id] = by_run.get(lane.run_id, 0) + waiting.get(lane.id, 0) * lane.price_micros
        campaign_of[lane.run_id] = lane.campaign_id
        for cap in lane.caps:
            caps.setdefault((cap.scope.value, cap.scope_id), {})[cap.key] = cap
    bounds = {owner: [_bound(cap, times) for cap in its.values()] for owner, its in caps.items()}
    for run_id, micros in by_run.items():
        owner = (Scope.CAMPAIGN.value, campaign_of[run_id])
        started = may_start(micros, bounds.get((Scope.RUN.value, run_id), ()))
        found[owner] = found.get(owner, 0) + started
    for owner in list(found):
        found[owner] = may_start(found[owner], bounds.get(owner, ()))
    if found:
        found[ACCOUNT] = may_start(sum(found.values()), bounds.get(ACCOUNT, ()))
    return {owner: micros for owner, micros in found.items() if micros or owner == ACCOUNT}


def _bound(cap: Cap, times: int) -> Bound:
    again = cap.cap_micros if cap.window is Window.DAY else 0
    return Bound(cap.remaining_micros, again=again, times=times)


_COUNT: Final = select(jobs.c.lane_id, func.count().label("jobs"))
_AMONG: Final = jobs.c.lane_id.in_(bindparam("lanes", expanding=True))
_READY: Final = _COUNT.where(JOB_READY, _AMONG).group_by(jobs.c.lane_id)
_DUE: Final = _COUNT.where(JOB_WAITING, _AMONG, jobs.c.due_at < bindparam("end")).group_by(jobs.c.lane_id)
_SOURCE: Final = jobs.alias("source")
_BLOCKED: Final = (
    _COUNT.join_from(jobs, _SOURCE, _SOURCE.c.id == jobs.c.needs_job)
    .where(JOB_WAITING, JOB_NEEDS, jobs.c.due_at.is_(None), _AMONG)
    .where(_SOURCE.c.state.not_in([JobState.FAILED.value, JobState.CANCELLED.value]))
    .where(func.coalesce(_SOURCE.c.verdict, "") != JobVerdict.REJECTED.value)
    .group_by(jobs.c.lane_id)
)
_QUEUED: Final = union_all(_READY, _DUE, _BLOCKED)
