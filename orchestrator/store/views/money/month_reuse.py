"""What pictures of earlier runs served in a month, by group: it cost nothing, so no attempt tells of it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.states import JobState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs, lanes, runs
from orchestrator.store.views.money.month_sums import Dimension, Group, value_of


def reused(tx: Tx, start: int, end: int, by: Sequence[Dimension] = ()) -> dict[Group, tuple[int, int]]:
    """How many jobs of each group were reused between two moments in ms, and what they would have cost, in
    micros. Read run by run: a database without such jobs is asked for nothing but its runs.
    """
    values = [value_of(each).label(f"value{at}") for at, each in enumerate(by)]
    query = select(runs.c.id, *values, *_SUMS).join_from(runs, jobs, jobs.c.run_id == runs.c.id)
    query = query.join(lanes, lanes.c.id == jobs.c.lane_id)
    if by:
        query = query.outerjoin(job_specs, job_specs.c.job_id == jobs.c.id)
    query = query.where(
        jobs.c.state == JobState.REUSED.value,
        jobs.c.finished_at >= bindparam("start"),
        jobs.c.finished_at < bindparam("end"),
    )
    found = tx.conn.execute(query.group_by(runs.c.id, *values), {"start": start, "end": end})
    return {tuple(row[:-2]): (int(row.jobs), int(row.micros)) for row in found}


_SUMS: Final = (func.count().label("jobs"), func.sum(lanes.c.price_micros).label("micros"))
