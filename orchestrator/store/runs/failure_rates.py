"""How often jobs of a run fail and its pictures are flagged, for the guards that pause runs."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, case, func, select

from orchestrator.core.paths import COPY_FIRST
from orchestrator.core.states import JobState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, jobs, lanes, outputs, runs


@dataclass(frozen=True, slots=True)
class RunRates:
    """Counts of one run that still has jobs to claim."""

    run_id: int
    succeeded: int
    failed: int
    pictures: int
    flagged: int


def of_open_runs(tx: Tx, ended_min: int, *, pictures: bool = True) -> list[RunRates]:
    """Rates of the runs that may still spend and have at least `ended_min` jobs ended since they were last
    resumed.

    Without `pictures`, which join every output of a run, their counts are zero.
    """
    open_runs = set(tx.conn.execute(_OPEN_RUNS).scalars())
    if not open_runs:
        return []
    counts = _job_counts(tx, open_runs)
    ended = {run_id for run_id, (good, bad) in counts.items() if good + bad >= ended_min}
    counted = _picture_counts(tx, ended) if ended and pictures else {}
    return [RunRates(run_id, *counts[run_id], *counted.get(run_id, (0, 0))) for run_id in sorted(ended)]


def _job_counts(tx: Tx, run_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    counted = tx.conn.execute(_JOB_COUNTS, {"runs": sorted(run_ids)})
    return {row[0]: (int(row[1]), int(row[2])) for row in counted}


def _picture_counts(tx: Tx, run_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    query = (
        select(jobs.c.run_id, func.count(), func.sum(case((outputs.c.nsfw, 1), else_=0)))
        .join_from(jobs, outputs)
        .join(runs, runs.c.id == jobs.c.run_id)
        .where(
            jobs.c.run_id.in_(run_ids),
            jobs.c.finished_at >= runs.c.rates_since,
            outputs.c.idx < COPY_FIRST,
            outputs.c.state.in_([OutputState.STORED.value, OutputState.DISCARDED.value]),
        )
        .group_by(jobs.c.run_id)
    )
    return {row[0]: (int(row[1]), int(row[2] or 0)) for row in tx.conn.execute(query)}


_OPEN_RUNS: Final = select(lanes.c.run_id).where(~lanes.c.idle).distinct()
_JOB_COUNTS: Final = (
    select(
        jobs.c.run_id,
        func.sum(case((jobs.c.state == JobState.SUCCEEDED.value, 1), else_=0)),
        func.sum(case((jobs.c.state == JobState.FAILED.value, 1), else_=0)),
    )
    .join_from(jobs, runs)
    .where(
        jobs.c.run_id.in_(bindparam("runs", expanding=True)),
        jobs.c.finished_at >= runs.c.rates_since,
        jobs.c.state.in_([JobState.SUCCEEDED.value, JobState.FAILED.value]),
    )
    .group_by(jobs.c.run_id)
)
