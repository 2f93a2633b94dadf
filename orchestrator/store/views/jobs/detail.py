"""One job in full: its timeline, and why it is not running now."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from orchestrator.core.budget import day_of
from orchestrator.core.errors import NotFoundError
from orchestrator.core.states import AttemptState
from orchestrator.store.choosing import checks
from orchestrator.store.choosing.checks import CheckFound
from orchestrator.store.claiming.lanes import lane_of_job
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts as attempt_table
from orchestrator.store.db.schema import events as event_table
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.stops.stops import Stoppage, rate_stop, stops_over
from orchestrator.store.views.happened.happenings import Happening, of_job
from orchestrator.store.views.jobs.jobs import JobRow, list_jobs
from orchestrator.store.views.jobs.places import PicturePlace, places
from orchestrator.store.views.jobs.walk import JobFilter

EVENTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class AttemptDetail:
    """One attempt; times in milliseconds, money in micros, None for steps that it did not reach."""

    number: int
    state: str
    worker: str
    leased_at: int
    submitted_at: int | None
    accepted_at: int | None
    completed_at: int | None
    finished_at: int | None
    prediction_id: str | None
    status: str | None
    inference_ms: int | None
    code: int | None
    reason: str | None
    message: str | None
    reservation: str
    price_micros: int
    cost_micros: int | None
    refund_until: int | None
    trouble: str | None  # what keeps it from going on: its latest fault
    trouble_count: int  # faults in a row
    next_try_at: int | None
    overdue_at: int | None  # when a person was told of its task
    billed_micros: int | None  # what the bill was seen to deduct
    refunded_micros: int | None  # and to pay back


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that an operator or a worker did to the job."""

    at: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class JobDetail:
    """Everything that is known about one job."""

    job: JobRow
    model: str
    manifest_path: str
    cancel_requested: bool
    attempts: list[AttemptDetail]
    events: list[EventRow]
    history: list[Happening]  # the events and the acts about it, each once
    stops: list[Stoppage]  # what keeps its lane from running now: pauses, a cap, or else the rate
    now: int
    places: list[PicturePlace]  # where its pictures were stored
    checks: list[CheckFound]  # what the checks of its manifest found in its pictures

    @property
    def live(self) -> AttemptDetail | None:
        """The attempt that is not over."""
        return next((item for item in reversed(self.attempts) if item.finished_at is None), None)

    @property
    def in_doubt(self) -> bool:
        """Whether it is in doubt: it is unknown if the provider created a paid task."""
        return self.live is not None and self.live.state == AttemptState.IN_DOUBT


def job_detail(tx: Tx, job_id: int, timezone: str) -> JobDetail:
    """The job `job_id`; raises NotFoundError when there is none."""
    page = list_jobs(tx, JobFilter(ids=(job_id,)), limit=1)
    if not page:
        raise NotFoundError(f"There is no job {job_id}. List jobs with: orchestrator jobs list")
    extra = tx.conn.execute(
        select(
            run_table.c.model,
            run_table.c.manifest_path,
            job_table.c.cancel_requested,
        )
        .join(run_table, run_table.c.id == job_table.c.run_id)
        .where(job_table.c.id == job_id)
    ).one()
    return JobDetail(
        job=page[0],
        model=extra.model,
        manifest_path=extra.manifest_path,
        cancel_requested=extra.cancel_requested,
        attempts=_attempts(tx, job_id),
        events=_events(tx, job_id),
        history=of_job(tx, job_id, EVENTS_MAX),
        stops=stops_of(tx, job_id, timezone),
        now=tx.now,
        places=places(tx, job_id=job_id),
        checks=checks.of_job(tx, job_id),
    )


def stops_of(tx: Tx, job_id: int, timezone: str) -> list[Stoppage]:
    """What keeps the job's lane from running now: pauses, a cap, or else the rate."""
    lane = lane_of_job(tx, day_of(tx.now, timezone), job_id)
    waits = rate_stop(tx, [lane])
    return [*stops_over(tx, lane), *([waits] if waits else [])]


def _attempts(tx: Tx, job_id: int) -> list[AttemptDetail]:
    query = select(attempt_table).where(attempt_table.c.job_id == job_id).order_by(attempt_table.c.number)
    names = AttemptDetail.__dataclass_fields__
    return [AttemptDetail(**{name: getattr(row, name) for name in names}) for row in tx.conn.execute(query)]


def _events(tx: Tx, job_id: int) -> list[EventRow]:
    query = (
        select(event_table).where(event_table.c.job_id == job_id).order_by(event_table.c.id).limit(EVENTS_MAX)
    )
    return [EventRow(row.at, row.kind, row.message) for row in tx.conn.execute(query)]
