"""Adoption of an unknown task: it was paid for, and a pending job wants exactly what it made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update

from orchestrator.core.budget import day_of
from orchestrator.core.sending import mentions, sent_inputs
from orchestrator.core.specs import LocalImage
from orchestrator.core.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    RESERVATION_TRANSITIONS,
    AttemptEvent,
    AttemptState,
    JobEvent,
    JobState,
    ReservationEvent,
    step,
)
from orchestrator.store.account import rate_limits
from orchestrator.store.attempts.attempt_ids import next_attempt_id
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    ATTEMPT_IS_LIVE,
    LedgerKind,
    Queue,
    attempts,
    events,
    job_specs,
    jobs,
    lanes,
    outputs,
    runs,
    uploads,
)
from orchestrator.store.money import ledger


@dataclass(frozen=True, slots=True)
class PendingJob:
    """A job that was not sent yet, and what it would send now."""

    job_id: int
    model: str
    waits: bool  # False: a worker has claimed it, and will send it or give it back
    params: dict[str, Any]  # as in the manifest
    local_images: dict[str, str]  # SHA-256 by the name in `params`
    path: str  # of its first picture
    inputs: dict[str, Any] | None  # what it would send; None where an input is not hosted yet
    certain: dict[str, Any]  # those of its inputs whose values do not depend on where an input will be hosted


def pending_jobs(tx: Tx, base_url: str) -> Iterator[PendingJob]:
    """Every job that waits or is claimed but not sent, with hosted URLs in place of local images."""
    hosted = {
        row.sha256: row.url
        for row in tx.conn.execute(
            select(uploads.c.sha256, uploads.c.url).where(uploads.c.base_url == base_url)
        )
    }
    query = (
        select(
            jobs.c.id,
            jobs.c.queue,
            runs.c.model,
            job_specs.c.params,
            job_specs.c.local_images,
            outputs.c.path,
        )
        .join_from(jobs, runs)
        .join(job_specs)
        .join(outputs, (outputs.c.job_id == jobs.c.id) & (outputs.c.idx == 0))
        .where(jobs.c.queue.in_([Queue.READY.value, Queue.WAITING.value]) | jobs.c.id.in_(_CLAIMED))
        .order_by(jobs.c.id)
    )
    for row in tx.conn.execute(query):
        digests = {written: LocalImage(**image).content for written, image in row.local_images.items()}
        urls = {written: hosted[digest] for written, digest in digests.items() if digest in hosted}
        unhosted = digests.keys() - urls.keys()
        sent = sent_inputs(row.params, urls)
        certain = {name: sent[name] for name, value in row.params.items() if not mentions(value, unhosted)}
        waits = row.queue is not None
        yield PendingJob(
            job_id=row.id,
            model=row.model,
            waits=waits,
            params=row.params,
            local_images=digests,
            path=row.path,
            inputs=None if unhosted else sent,
            certain=certain,
        )


def model_of(tx: Tx, job_id: int) -> str | None:
    """The model of a job; None when there is no such job."""
    query = select(runs.c.model).join_from(jobs, runs).where(jobs.c.id == job_id)
    return tx.conn.execute(query).scalar_one_or_none()


def assign(tx: Tx, job_id: int, prediction_id: str, *, status: str, token: str, timezone: str) -> bool:
    """Create an attempt of a pending job that holds the prediction, in flight for any worker. False when the
    job is not pending.

    The money is reserved without checking caps, because it is spent already. The attempt gets its id as in a
    claim, because on a server the sequence of the column does not know the ids that claims assigned.
    """
    rate_limits.lock(tx)
    query = (
        select(jobs.c.run_id, runs.c.campaign_id, lanes.c.price_micros, jobs.c.attempts)
        .join_from(jobs, runs)
        .join(lanes, lanes.c.id == jobs.c.lane_id)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.PENDING.value)
    )
    job = tx.conn.execute(dialect.lock_rows(tx.conn, query, jobs)).one_or_none()
    if job is None:
        return False
    attempt_id = _insert_attempt(
        tx=tx,
        job_id=job_id,
        job=job,
        prediction_id=prediction_id,
        status=status,
        token=token,
        day=day_of(tx.now, timezone),
    )
    tx.conn.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.PENDING.value)
        .values(
            state=step(JOB_TRANSITIONS, JobState.PENDING, JobEvent.TASK_ASSIGNED).value,
            queue=None,
            due_at=None,
            attempts=jobs.c.attempts + 1,
            reason=None,
            message=None,
        )
    )
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind="adopted",
            job_id=job_id,
            attempt_id=attempt_id,
            message=f"adopted prediction {prediction_id}, which this database did not know",
        )
    )
    return True


def _insert_attempt(
    tx: Tx, job_id: int, job: Any, prediction_id: str, status: str, token: str, day: str
) -> int:
    """Insert an attempt in flight and hold its money; its lease has lapsed, so that a rescue takes it."""
    times = dict.fromkeys(
        ("lease_expires_at", "rate_granted_at", "leased_at", "submitted_at", "accepted_at"), tx.now
    )
    attempt_id = next_attempt_id(tx)
    tx.conn.execute(
        attempts.insert().values(
            id=attempt_id,
            job_id=job_id,
            run_id=job.run_id,
            campaign_id=job.campaign_id,
            number=job.attempts + 1,
            state=step(ATTEMPT_TRANSITIONS, None, AttemptEvent.TASK_ASSIGNED).value,
            token=token,
            worker="reconcile",
            epoch=1,
            prediction_id=prediction_id,
            status=status,
            reservation=step(RESERVATION_TRANSITIONS, None, ReservationEvent.RESERVED).value,
            day=day,
            price_micros=job.price_micros,
            **times,
        )
    )
    held = ledger.Movement(
        kind=LedgerKind.RESERVE,
        attempt_id=attempt_id,
        run_id=job.run_id,
        campaign_id=job.campaign_id,
        day=day,
        held_delta=job.price_micros,
        note="adopted by reconcile",
    )
    ledger.post(tx, [held])
    return attempt_id


_CLAIMED: Final = select(attempts.c.job_id).where(
    ATTEMPT_IS_LIVE, attempts.c.state == AttemptState.LEASED.value
)
