"""Staging: jobs that wait for a time become ready when it has come, so that a claim reads ready ones only."""

from typing import Final

from sqlalchemy import bindparam, select, update

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_WAITING, Queue, jobs
from orchestrator.store.runs.run_lanes import reopen_lanes

STAGE_MAX: Final = 1_000


def stage(tx: Tx) -> int:
    """Make waiting jobs ready that are due; returns how many. When that is `STAGE_MAX`, there may be more:
    call again.
    """
    # A job that is just being cancelled is not waited for.
    query = dialect.lock_rows(tx.conn, _DUE, skip_locked=True)
    due = tx.conn.execute(query, {"now": tx.now, "most": STAGE_MAX}).all()
    if not due:
        return 0
    reopen_lanes(tx, [row.lane_id for row in due])
    dialect.run_many(tx.conn, _STAGE, [{"j_id": row.id} for row in due])
    return len(due)


_STAGE: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.queue == Queue.WAITING.value)
    .values(queue=Queue.READY.value, due_at=None)
)
_DUE: Final = (
    select(jobs.c.id, jobs.c.lane_id)
    .where(JOB_WAITING, jobs.c.due_at <= bindparam("now"))
    .order_by(jobs.c.due_at)
    .limit(bindparam("most"))
)
