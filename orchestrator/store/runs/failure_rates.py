"""How the jobs of a run end, for the breakers that pause runs: failures, flags, cost, times."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, case, func, select

from orchestrator.core.breakers import Breakers, RunFigures
from orchestrator.core.paths import COPY_FIRST
from orchestrator.core.states import AttemptState, JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_IS_JUDGED, OutputState, attempts, jobs, lanes, outputs, runs

TASKS_MAX: Final = 1_000
"""Times are those of so many tasks of a run, the last ones."""


@dataclass(frozen=True, slots=True)
class RunRates:
    """One run that still has jobs to claim."""

    run_id: int
    limits: Breakers
    figures: RunFigures


def of_open_runs(tx: Tx, defaults: Breakers) -> list[RunRates]:
    """The runs that may still spend and of which enough jobs have ended since they were last resumed to say
    something. What a run does not watch is not counted: pictures, for example, join every output of it.
    """
    open_runs = set(tx.conn.execute(_OPEN_RUNS).scalars())
    if not open_runs:
        return []
    ids = {"runs": sorted(open_runs)}
    limits = {row.id: defaults.of_run(row.settings) for row in tx.conn.execute(_SETTINGS, ids)}
    since = {row.id: row.rates_since for row in tx.conn.execute(_SETTINGS, ids)}
    counts = {row[0]: (int(row[1]), int(row[2])) for row in tx.conn.execute(_JOB_COUNTS, ids)}
    ended = [run for run, (good, bad) in sorted(counts.items()) if good + bad >= limits[run].min_jobs]
    pictures = _picture_counts(tx, [run for run in ended if limits[run].flagged is not None])
    judged = _judged(tx, [run for run in ended if limits[run].cost_per_accepted is not None])
    found = []
    for run in ended:
        slow = limits[run].p95_seconds is not None
        seen, said = pictures.get(run, (0, 0)), judged.get(run, (0, 0, 0))
        figures = RunFigures(
            succeeded=counts[run][0],
            failed=counts[run][1],
            pictures=seen[0],
            flagged=seen[1],
            judged=said[0],
            judged_micros=said[1],
            accepted_pictures=said[2],
            task_ms=_times(tx, run, since[run]) if slow else (),
        )
        found.append(RunRates(run, limits[run], figures))
    return found


def _picture_counts(tx: Tx, run_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    if not run_ids:
        return {}
    rows = tx.conn.execute(_PICTURES, {"runs": sorted(run_ids)})
    return {row[0]: (row[1], int(row[2] or 0)) for row in rows}


def _judged(tx: Tx, run_ids: Collection[int]) -> dict[int, tuple[int, int, int]]:
    if not run_ids:
        return {}
    rows = tx.conn.execute(_JUDGED, {"runs": sorted(run_ids)})
    return {row[0]: (row[1], int(row[2] or 0), int(row[3] or 0)) for row in rows}


def _times(tx: Tx, run_id: int, since: int) -> tuple[int, ...]:
    rows: Any = tx.conn.execute(_TIMES, {"run": run_id, "since": since})
    return tuple(row.completed_at - row.accepted_at for row in rows)


_OPEN_RUNS: Final = select(lanes.c.run_id).where(~lanes.c.idle).distinct()
_SETTINGS: Final = select(runs.c.id, runs.c.settings, runs.c.rates_since).where(
    runs.c.id.in_(bindparam("runs", expanding=True))
)
_OF_RUNS: Final = (
    jobs.c.run_id.in_(bindparam("runs", expanding=True)),
    jobs.c.finished_at >= runs.c.rates_since,
)
_JOB_COUNTS: Final = (
    select(
        jobs.c.run_id,
        func.sum(case((jobs.c.state == JobState.SUCCEEDED.value, 1), else_=0)),
        func.sum(case((jobs.c.state == JobState.FAILED.value, 1), else_=0)),
    )
    .join_from(jobs, runs)
    .where(*_OF_RUNS, jobs.c.state.in_([JobState.SUCCEEDED.value, JobState.FAILED.value]))
    .group_by(jobs.c.run_id)
)
_PICTURES: Final = (
    select(jobs.c.run_id, func.count(), func.sum(case((outputs.c.nsfw, 1), else_=0)))
    .join_from(jobs, outputs)
    .join(runs, runs.c.id == jobs.c.run_id)
    .where(
        *_OF_RUNS,
        outputs.c.idx < COPY_FIRST,
        outputs.c.state.in_([OutputState.STORED.value, OutputState.DISCARDED.value]),
    )
    .group_by(jobs.c.run_id)
)
_JUDGED: Final = (
    select(
        jobs.c.run_id,
        func.count(),
        func.sum(jobs.c.cost_micros),
        func.sum(case((jobs.c.verdict == JobVerdict.ACCEPTED.value, jobs.c.images), else_=0)),
    )
    .join_from(jobs, runs)
    .where(*_OF_RUNS, JOB_IS_JUDGED)
    .group_by(jobs.c.run_id)
)
_TIMES: Final = (
    select(attempts.c.accepted_at, attempts.c.completed_at)
    .where(
        attempts.c.run_id == bindparam("run"),
        attempts.c.state == AttemptState.SUCCEEDED.value,
        attempts.c.finished_at >= bindparam("since"),
        attempts.c.accepted_at.is_not(None),
        attempts.c.completed_at.is_not(None),
    )
    .order_by(attempts.c.id.desc())
    .limit(TASKS_MAX)
)
