"""Jobs that wait because the account has a task that nobody here knows and that asks for just the same.

They wait without a time: `reconcile` gives the task to its job, or a person says that it is not ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, update

from orchestrator.core.states import JobState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_WAITING, RUN_PATH, Queue, campaigns, jobs, runs
from orchestrator.store.runs import needs
from orchestrator.store.runs.run_lanes import reopen_lanes

REASON: Final = "unknown_task"


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run some of whose jobs wait for a person."""

    run_id: int
    run: str  # campaign/name/run
    jobs: int


def hold(tx: Tx, tasks: Mapping[int, str]) -> int:
    """Keep these jobs, by id with the task that equals each, from being claimed; returns how many were
    ready.
    """
    return sum(
        tx.conn.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.queue == Queue.READY.value)
            .values(
                queue=Queue.WAITING.value,
                due_at=None,
                reason=REASON,
                message=f"the account has task {task}, which asks for just this and is not known here",
            )
        ).rowcount
        for job_id, task in sorted(tasks.items())
    )


def release(tx: Tx) -> int:
    """Let all of them run; returns how many."""
    held = tx.conn.execute(select(jobs.c.lane_id).where(*_HELD).distinct()).scalars().all()
    if not held:
        return 0
    reopen_lanes(tx, held)
    return tx.conn.execute(update(jobs).where(*_HELD).values(**needs.FREED)).rowcount


def held_runs(tx: Tx) -> list[HeldRun]:
    """The runs with such jobs, oldest first."""
    query = (
        select(jobs.c.run_id, RUN_PATH.label("run"), func.count().label("jobs"))
        .join_from(jobs, runs, runs.c.id == jobs.c.run_id)
        .join(campaigns, campaigns.c.id == runs.c.campaign_id)
        .where(*_HELD)
        .group_by(jobs.c.run_id, RUN_PATH)
        .order_by(jobs.c.run_id)
    )
    return [HeldRun(row.run_id, row.run, row.jobs) for row in tx.conn.execute(query)]


_HELD: Final = (
    jobs.c.state == JobState.PENDING.value,
    JOB_WAITING,
    jobs.c.due_at.is_(None),
    jobs.c.reason == REASON,
)
