"""The order of waiting jobs, as a person changes it: ahead of the others, held, released.

What is written here is what the next claim of any worker reads. Only jobs that wait are changed: whoever
holds one back gives back first what was claimed and not sent (`attempts.releases`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.states import JobState
from orchestrator.store.account import rate_limits
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    JOB_READY,
    JOB_WAITING,
    LANE_OPEN,
    RUN_PATH,
    Queue,
    campaigns,
    jobs,
    lanes,
    runs,
)
from orchestrator.store.runs import held_jobs, needs
from orchestrator.store.runs.run_lanes import lock_lanes, reopen_lanes

HELD: Final = "held"
"""The reason of a job that a person holds back."""

AHEAD: Final = -(10**9)
"""Rounds below this one are those of jobs that a person put ahead; those above it and below zero belong to
parts that somebody works on alone (`apart`), which are left to him.
"""


class _Row(NamedTuple):
    id: int
    state: str
    round: int
    reason: str | None
    due_at: int | None
    lane_id: int


@dataclass(slots=True)
class Reordered:
    """Which jobs were changed, and which stay as they are, each with a word for why."""

    changed: list[int] = field(default_factory=list)
    left: dict[int, str] = field(default_factory=dict)


def put_ahead(tx: Tx, job_ids: Sequence[int], turn: int) -> Reordered:
    """Give those of the jobs that wait this round. A job in a part that somebody works on alone is ahead of
    all others already, and keeps its round: that worker claims no other.
    """
    done = Reordered()
    for row in _locked(tx, job_ids):
        if row.state != JobState.PENDING.value:
            done.left[row.id] = row.state
        elif AHEAD < row.round < 0:
            done.left[row.id] = "apart"
        else:
            done.changed.append(row.id)
    for chunk in bulk.chunks(done.changed):
        tx.conn.execute(_TURN, {"ids": chunk, "turn": turn})
    return done


def next_turn(tx: Tx) -> int:
    """A round below all that waiting jobs have: what is put ahead last comes first."""
    return min(tx.conn.execute(_LOWEST).scalar() or 0, AHEAD) - 1


def preceded(tx: Tx, job_ids: Sequence[int]) -> list[str]:
    """The runs of these jobs that wait for runs of a higher priority: a round counts among equal ones."""
    found: set[str] = set()
    for chunk in bulk.chunks(list(job_ids)):
        found.update(row.run for row in tx.conn.execute(_PRECEDED, {"ids": chunk}))
    return sorted(found)


def hold(tx: Tx, job_ids: Sequence[int], message: str) -> Reordered:
    """Keep those of the jobs that wait from being claimed until they are released. One that waits for a
    person already stays as it is.
    """
    rate_limits.lock(tx)  # no claim is under way: what is held when this commits is not bought
    done = Reordered()
    for row in _locked(tx, job_ids):
        if row.state != JobState.PENDING.value:
            done.left[row.id] = row.state
        elif row.reason in {HELD, held_jobs.REASON} and row.due_at is None:
            done.left[row.id] = row.reason
        else:
            done.changed.append(row.id)
    for chunk in bulk.chunks(done.changed):
        tx.conn.execute(_HOLD, {"ids": chunk, "said": message})
    return done


def release(tx: Tx, job_ids: Sequence[int]) -> Reordered:
    """Let those of the jobs run that a person holds."""
    done = Reordered()
    rows = _locked(tx, job_ids)
    for row in rows:
        is_held = row.state == JobState.PENDING.value and row.reason == HELD and row.due_at is None
        if is_held:
            done.changed.append(row.id)
        else:
            done.left[row.id] = row.reason if row.reason == held_jobs.REASON else row.state
    changed = set(done.changed)
    reopen_lanes(tx, sorted({row.lane_id for row in rows if row.id in changed}))
    for chunk in bulk.chunks(done.changed):
        tx.conn.execute(_RELEASE, {"ids": chunk})
    needs.settle_waiting(tx, done.changed)
    return done


@dataclass(frozen=True, slots=True)
class HeldByPerson:
    """A run some of whose jobs a person holds."""

    run_id: int
    run: str  # campaign/name/run
    jobs: int
    message: str


def held_by_person(tx: Tx) -> list[HeldByPerson]:
    """The runs with such jobs, oldest first."""
    return [
        HeldByPerson(row.run_id, row.run, row.jobs, message=row.message or "")
        for row in tx.conn.execute(_RUNS)
    ]


def priority_of(tx: Tx, run_id: int) -> int:
    """What counts: a person's word before the manifest's."""
    return int(tx.conn.execute(_PRIORITY, {"run": run_id}).scalar_one())


def highest_priority(tx: Tx, but: int) -> int | None:
    """The highest priority of a lane that has work, of all runs but this one; None when there is none."""
    return tx.conn.execute(_HIGHEST, {"run": but}).scalar()


def prioritise_run(tx: Tx, run_id: int, priority: int | None) -> None:
    """Give a run a priority that counts before its manifest's, also when that is applied again; None: the
    manifest's counts again.
    """
    rate_limits.lock(tx)
    lock_lanes(tx, lanes.c.run_id == run_id)
    tx.conn.execute(update(runs).where(runs.c.id == run_id).values(operator_priority=priority))
    tx.conn.execute(update(lanes).where(lanes.c.run_id == run_id).values(priority=priority_of(tx, run_id)))


def _locked(tx: Tx, job_ids: Sequence[int]) -> list[_Row]:
    found: list[_Row] = []
    for chunk in bulk.chunks(list(job_ids)):
        query = _JOBS.where(jobs.c.id.in_(chunk)).order_by(jobs.c.id)
        rows = tx.conn.execute(dialect.lock_rows(tx.conn, query))
        found += [_Row(*row) for row in rows]
    return found


_JOBS: Final = select(jobs.c.id, jobs.c.state, jobs.c.round, jobs.c.reason, jobs.c.due_at, jobs.c.lane_id)
_MINE: Final = (jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.state == JobState.PENDING.value)
_TURN: Final = update(jobs).where(*_MINE).values(round=bindparam("turn"))
_HOLD: Final = (
    update(jobs)
    .where(*_MINE)
    .values(queue=Queue.WAITING.value, due_at=None, reason=HELD, message=bindparam("said"))
)
_RELEASE: Final = (
    update(jobs).where(*_MINE, jobs.c.reason == HELD, jobs.c.due_at.is_(None)).values(**needs.FREED)
)
_FIRST: Final = (
    select(jobs.c.round)
    .where(jobs.c.lane_id == lanes.c.id, JOB_READY)
    .order_by(jobs.c.round, jobs.c.id)
    .limit(1)
    .correlate(lanes)
)
_FIRSTS: Final = (
    select(_FIRST.scalar_subquery().label("round")).select_from(lanes).where(LANE_OPEN).subquery()
)
_LOWEST: Final = select(func.min(_FIRSTS.c.round))
_HIGHEST_LANE: Final = select(func.max(lanes.c.priority)).where(LANE_OPEN).scalar_subquery()
_PRECEDED: Final = (
    select(RUN_PATH.label("run"))
    .join_from(jobs, runs, runs.c.id == jobs.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .where(func.coalesce(runs.c.operator_priority, runs.c.priority) < _HIGHEST_LANE)
    .distinct()
)
_RUNS: Final = (
    select(
        jobs.c.run_id,
        RUN_PATH.label("run"),
        func.count().label("jobs"),
        func.min(jobs.c.message).label("message"),
    )
    .join_from(jobs, runs, runs.c.id == jobs.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(JOB_WAITING, jobs.c.due_at.is_(None), jobs.c.reason == HELD)
    .group_by(jobs.c.run_id, RUN_PATH)
    .order_by(jobs.c.run_id)
)
_PRIORITY: Final = select(func.coalesce(runs.c.operator_priority, runs.c.priority)).where(
    runs.c.id == bindparam("run")
)
_HIGHEST: Final = select(func.max(lanes.c.priority)).where(LANE_OPEN, lanes.c.run_id != bindparam("run"))
