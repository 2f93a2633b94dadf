"""The progress of some runs, for the live display and the final summary."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from orchestrator.core.states import AttemptState, JobState, ReservationState
from orchestrator.store.attempts.copies import missing
from orchestrator.store.choosing import checks
from orchestrator.store.choosing.cells import keys_of_moving
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, lanes
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.runs import stable_names
from orchestrator.store.runs.apart import states_of
from orchestrator.store.views.runs.overview import RunRow, no_jobs, runs


@dataclass(frozen=True, slots=True)
class Progress:
    """The jobs of some runs together; money in micros."""

    jobs: dict[str, int]  # by state
    in_doubt: int
    fetching: int  # completed at the provider, pictures not stored yet
    stored: int
    nsfw: int
    spent_micros: int
    held_micros: int
    failures: list[tuple[str, int]]  # reason, jobs; most frequent first
    runs: list[RunRow]
    of_list: tuple[int, int] | None = None  # per cent of the list price that jobs cost: least and most

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.jobs.values())

    @property
    def finished(self) -> int:
        """Jobs that are over: nothing more happens to them by itself."""
        return self.made + self.jobs[JobState.CANCELLED] + self.jobs[JobState.REUSED]

    @property
    def made(self) -> int:
        """Jobs that ended with or without pictures of their own, without those that were called off."""
        return self.jobs[JobState.SUCCEEDED] + self.jobs[JobState.FAILED]

    @property
    def wanted(self) -> int:
        """All jobs that are to be made: without those that were called off, and those that earlier pictures
        serve.
        """
        return self.total - self.jobs[JobState.CANCELLED] - self.jobs[JobState.REUSED]

    @property
    def left(self) -> int:
        """Jobs that still wait or run, and are not over for want of a picture that does not come."""
        return self.total - self.finished - self.stranded

    @property
    def stranded(self) -> int:
        """Jobs that take pictures of others which do not come by themselves."""
        return sum(run.blocked.none for run in self.runs)


def run_progress(tx: Tx, run_ids: Sequence[int] | None) -> Progress:
    """The progress of the runs `run_ids` (None: of all), in one consistent snapshot."""
    rows = runs(tx, run_ids)
    run_ids = [row.id for row in rows]
    states = no_jobs()
    for row in rows:
        for state, count in row.jobs.items():
            states[state] += count
    return Progress(
        jobs=states,
        in_doubt=sum(row.in_doubt for row in rows),
        fetching=_attempts_in(tx, run_ids, AttemptState.FETCHING),
        stored=sum(row.stored for row in rows),
        nsfw=sum(row.nsfw for row in rows),
        spent_micros=sum(row.spent_micros for row in rows),
        held_micros=sum(row.held_micros for row in rows),
        failures=_failures(tx, run_ids),
        runs=rows,
        of_list=_of_list(tx, run_ids),
    )


def is_finished(tx: Tx, run_ids: Collection[int]) -> bool:
    """Whether nothing is left to do for these runs: every job has its pictures, or was called off, every copy
    is made, every picture has its name, and the checks of the manifests have looked at all of them.
    """
    found = run_progress(tx, list(run_ids))
    if found.left or found.jobs["failed"] or found.in_doubt or missing(tx, run_ids, ()):
        return False
    if stable_names.any_dirty(tx):
        return False
    rules = {run_id: said for run_id, (said, _stored) in checks.rules_of_runs(tx, run_ids).items()}
    return not keys_of_moving(tx, 1) and not checks.unjudged(tx, rules, ())


def part_progress(tx: Tx, whole: Progress, ids: Sequence[int]) -> Progress:
    """The same with the jobs and failures of these ids alone; pictures and money stay those of the runs."""
    failures: Counter[str] = Counter()
    for chunk in chunks(list(ids)):
        rows = tx.conn.execute(_reasons(job_table.c.id.in_(chunk)))
        failures.update({row.reason: row.jobs for row in rows})
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return replace(whole, jobs=states_of(tx, ids), failures=ordered)


def pending_cost(tx: Tx, run_id: int) -> tuple[int, int, int]:
    """Jobs of a run that are not submitted yet: how many, how many pictures, and what they cost at most."""
    query = (
        select(
            func.count(),
            func.coalesce(func.sum(job_table.c.images), 0),
            func.coalesce(func.sum(lanes.c.price_micros), 0),
        )
        .join_from(job_table, lanes, lanes.c.id == job_table.c.lane_id)
        .where(job_table.c.run_id == run_id)
        .where(job_table.c.state == JobState.PENDING)
    )
    jobs, images, micros = tx.conn.execute(query).one()
    return int(jobs), int(images), int(micros)


def avoided_micros(tx: Tx, run_ids: Sequence[int] | None) -> int:
    """What the reused jobs of these runs (None: of all) would have cost, in micros."""
    query = (
        select(func.coalesce(func.sum(lanes.c.price_micros), 0))
        .join_from(job_table, lanes, lanes.c.id == job_table.c.lane_id)
        .where(job_table.c.state == JobState.REUSED.value)
    )
    if run_ids is not None:
        query = query.where(job_table.c.run_id.in_(run_ids))
    return int(tx.conn.execute(query).scalar_one())


def reused_pictures(tx: Tx, run_ids: Sequence[int]) -> int:
    """How many pictures of earlier runs the reused jobs of these runs stand for."""
    query = select(func.coalesce(func.sum(job_table.c.images), 0)).where(
        job_table.c.run_id.in_(run_ids), job_table.c.state == JobState.REUSED.value
    )
    return int(tx.conn.execute(query).scalar_one())


def refund_due_micros(tx: Tx, run_ids: Sequence[int]) -> int:
    """What the provider owes back for attempts of these runs."""
    query = (
        select(func.coalesce(func.sum(attempts.c.price_micros), 0))
        .where(attempts.c.run_id.in_(run_ids))
        .where(attempts.c.reservation == ReservationState.REFUND_DUE)
    )
    return int(tx.conn.execute(query).scalar_one())


def _attempts_in(tx: Tx, run_ids: Sequence[int], state: AttemptState) -> int:
    query = select(func.count()).where(attempts.c.run_id.in_(run_ids), attempts.c.state == state)
    return int(tx.conn.execute(query).scalar_one())


def _of_list(tx: Tx, run_ids: Sequence[int]) -> tuple[int, int] | None:
    per_cent = (lanes.c.price_micros * 100 + lanes.c.list_micros // 2) // lanes.c.list_micros
    query = select(func.min(per_cent), func.max(per_cent)).where(
        lanes.c.run_id.in_(run_ids), lanes.c.list_micros > 0
    )
    least, most = tx.conn.execute(query).one()
    return None if least is None else (int(least), int(most))


def _failures(tx: Tx, run_ids: Sequence[int]) -> list[tuple[str, int]]:
    return [(row.reason, row.jobs) for row in tx.conn.execute(_reasons(job_table.c.run_id.in_(run_ids)))]


def _reasons(which: ColumnElement[bool]) -> Select[Any, int]:
    reason = func.coalesce(job_table.c.reason, "unknown")
    return (
        select(reason.label("reason"), func.count().label("jobs"))
        .where(which, job_table.c.state == JobState.FAILED)
        .group_by(reason)
        .order_by(func.count().desc(), reason)
    )
