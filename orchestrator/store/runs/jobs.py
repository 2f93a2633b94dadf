"""What an operator may do with jobs: retry and cancel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update

from orchestrator.core.paths import EARLIER_INDEX, kept_index, name_of_retry, path_key
from orchestrator.core.states import JOB_TRANSITIONS, JobEvent, JobState, sources, step
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, events, jobs, outputs, runs
from orchestrator.store.runs import needs
from orchestrator.store.runs.run_lanes import reopen_lanes

CANCELLED: Final = "cancelled"
"""The word for a job that an operator called off."""

PRUNED: Final = "pruned"
"""The word for one that its manifest did not ask for any more."""

SUPERSEDED: Final = "superseded"
"""The word for one that a later run of its manifest took the place of."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Which jobs are cancelled now, and which will be unless their present attempt succeeds."""

    now: list[int]
    after_attempt: list[int]


def retry(tx: Tx, job_ids: Sequence[int]) -> list[int]:
    """Make failed and cancelled jobs ready with a new allowance of tries; returns those. Other jobs stay
    unchanged.
    """
    states = [state.value for state in sources(JOB_TRANSITIONS, JobEvent.RETRIED)]
    moved: list[int] = []
    for chunk in chunks(job_ids):
        query = (
            select(
                jobs.c.id,
                jobs.c.state,
                jobs.c.lane_id,
                jobs.c.attempts,
                jobs.c.needs_job,
                runs.c.max_attempts,
            )
            .join_from(jobs, runs)
            .where(jobs.c.id.in_(chunk), jobs.c.state.in_(states))
            .order_by(jobs.c.id)
        )
        rows = tx.conn.execute(dialect.lock_rows(tx.conn, query, jobs)).all()
        reopen_lanes(tx, [row.lane_id for row in rows])
        for row in rows:
            _set_aside_outputs(tx, row.id, row.attempts)
            tx.conn.execute(
                update(jobs)
                .where(jobs.c.id == row.id)
                .values(
                    state=step(JOB_TRANSITIONS, JobState(row.state), JobEvent.RETRIED).value,
                    finished_at=None,
                    cancel_requested=False,
                    **needs.FREED,
                    tries_left=row.max_attempts,
                    deaths=0,
                )
            )
        needs.settle_waiting(tx, [row.id for row in rows if row.needs_job is not None])
        _note(tx, "retried", [row.id for row in rows])
        moved.extend(row.id for row in rows)
    return moved


def states_of(tx: Tx, job_ids: Sequence[int]) -> dict[int, str]:
    """The state of each job, as it was read a moment ago."""
    found: dict[int, str] = {}
    for chunk in chunks(job_ids):
        rows = tx.conn.execute(select(jobs.c.id, jobs.c.state).where(jobs.c.id.in_(chunk)))
        found.update({row.id: row.state for row in rows})
    return found


def cancel(tx: Tx, job_ids: Sequence[int]) -> Cancelled:
    """Cancel pending jobs now. A running job makes no further attempt; if the present one succeeds, so
    does the job.

    The provider cannot cancel: an accepted task is paid for, so its pictures are still stored.
    """
    states = [state.value for state in sources(JOB_TRANSITIONS, JobEvent.CANCELLED)]
    now: list[int] = []
    later: list[int] = []
    for chunk in chunks(job_ids):
        query = (
            select(jobs.c.id, jobs.c.state)
            .where(jobs.c.id.in_(chunk), jobs.c.state.in_(states))
            .order_by(jobs.c.id)
        )
        rows = tx.conn.execute(dialect.lock_rows(tx.conn, query)).all()
        running = [row.id for row in rows if row.state == JobState.RUNNING.value]
        now.extend(_end(tx, [row.id for row in rows if row.state == JobState.PENDING.value]))
        tx.conn.execute(update(jobs).where(jobs.c.id.in_(running)).values(cancel_requested=True))
        _note(tx, "cancelled", running)
        later.extend(running)
    return Cancelled(now, later)


def cancel_waiting(tx: Tx, job_ids: Sequence[int], reason: str = CANCELLED) -> list[int]:
    """Cancel those of the jobs that are pending, with the word for why; returns them. A job that a worker has
    claimed, or that is over, stays unchanged.
    """
    now: list[int] = []
    for chunk in chunks(job_ids):
        query = select(jobs.c.id).where(jobs.c.id.in_(chunk), jobs.c.state == JobState.PENDING.value)
        rows = tx.conn.execute(dialect.lock_rows(tx.conn, query.order_by(jobs.c.id)))
        now.extend(_end(tx, list(rows.scalars()), reason))
    return now


def _end(tx: Tx, pending: Sequence[int], reason: str = CANCELLED) -> Sequence[int]:
    """Cancel pending jobs that this transaction has locked."""
    tx.conn.execute(
        update(jobs)
        .where(jobs.c.id.in_(pending), jobs.c.state == JobState.PENDING.value)
        .values(
            state=step(JOB_TRANSITIONS, JobState.PENDING, JobEvent.CANCELLED).value,
            queue=None,
            due_at=None,
            finished_at=tx.now,
            reason=reason,
            message=None,
        )
    )
    by = "by a later run of its manifest" if reason == SUPERSEDED else "by an operator"
    _note(tx, "cancelled", pending, by=by)
    return pending


def _set_aside_outputs(tx: Tx, job_id: int, attempt_number: int) -> None:
    """Keep what an earlier attempt stored, and plan new paths next to it, so that nothing is overwritten."""
    kept = tx.conn.execute(
        select(outputs.c.idx, outputs.c.path, outputs.c.clean_path, outputs.c.wanted_at).where(
            outputs.c.job_id == job_id,
            outputs.c.state == OutputState.STORED.value,
            outputs.c.idx < EARLIER_INDEX,
        )
    ).all()
    for row in kept:
        tx.conn.execute(
            update(outputs)
            .where(outputs.c.job_id == job_id, outputs.c.idx == row.idx)
            .values(idx=kept_index(row.idx, attempt=attempt_number))
        )
        clean = row.clean_path or row.path
        path = name_of_retry(clean, job_id=job_id, attempt=attempt_number)
        tx.conn.execute(
            outputs.insert().values(
                job_id=job_id,
                idx=row.idx,
                path=path,
                path_key=path_key(path),
                state=OutputState.PLANNED.value,
                clean_path=clean,
                clean_key=path_key(clean),
                wanted_at=row.wanted_at,
            )
        )


def _note(tx: Tx, kind: str, job_ids: Sequence[int], *, by: str = "by an operator") -> None:
    if job_ids:
        tx.conn.execute(
            events.insert(),
            [{"at": tx.now, "kind": kind, "job_id": job_id, "message": by} for job_id in job_ids],
        )
