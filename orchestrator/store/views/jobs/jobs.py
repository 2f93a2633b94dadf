"""Jobs, filtered and read page by page: a million of them are never in memory at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.specs import PICTURE
from orchestrator.core.states import JobState
from orchestrator.store.choosing.choices import superseded_by
from orchestrator.store.choosing.originals import ORIGIN, said_columns
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, attempts, job_specs
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.db.schema import lanes as lane_table
from orchestrator.store.db.schema import outputs as output_table
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.runs import blocked
from orchestrator.store.runs.blocked import BlockedJob
from orchestrator.store.stops.attention import attention_word
from orchestrator.store.views.jobs.job_outputs import OutputRow, outputs_of
from orchestrator.store.views.jobs.walk import PAGE, JobFilter, matching, page_ids


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as it is listed; money in micros, times in milliseconds."""

    id: int
    campaign: str
    name: str
    run: str
    key: str
    ordinal: int
    variation: int
    state: str
    queue: str | None
    due_at: int | None
    reason: str | None
    message: str | None
    params: dict[str, Any]
    tags: dict[str, str]
    images: int
    price_micros: int  # of one try now, or of the last one where it is over
    cost_micros: int
    attempts: int
    tries_left: int
    created_at: int
    finished_at: int | None
    prediction_id: str | None
    inference_ms: int | None
    trouble: str | None  # the latest fault of the attempt under way
    attention: str | None  # one word for what keeps that attempt from going on as it should
    outputs: list[OutputRow]
    list_micros: int | None = None  # before the discount
    lane_id: int = 0
    canary: bool = False  # of those of its run that are made first
    gated: bool = False  # only those are made now
    charged_micros: int | None = None  # by the provider's bill, less what was paid back; None: not read yet
    verdict: str | None = None
    stars: int | None = None
    note: str | None = None
    redo_of: int | None = None  # the job that this is a further try of
    reused_from: int | None = None  # the job of an earlier run whose pictures it has
    superseded_by: int | None = None  # the job whose picture has the clean name of its cell
    axes: tuple[
        tuple[str, str], ...
    ] = ()  # its value on each axis; empty where it was recorded without names
    stage: str = ""  # empty: what the manifest itself asks for
    needs_job: int | None = None  # the job whose picture it takes
    needs_index: int | None = None  # which of its pictures, from 0
    taken_path: str | None = None  # where that one lay, relative to the output root; None: it has none yet
    blocked: BlockedJob | None = None  # it waits for that one


def list_jobs(tx: Tx, wanted: JobFilter, *, after_id: int = 0, limit: int = PAGE) -> list[JobRow]:
    """One page in order of id, after `after_id`; shorter than `limit` only at the end."""
    ids = page_ids(tx, wanted, after_id=after_id, limit=limit)
    rows = tx.conn.execute(_ROWS, {"ids": ids}).all() if ids else ()
    tries, pictures = _last_attempts(tx, ids), outputs_of(tx, ids)
    found = [_job_row(row, tries.get(row.id, NO_ATTEMPT), pictures.get(row.id, [])) for row in rows]
    beside = superseded_by(tx, ids)
    found = [replace(row, superseded_by=beside[row.id]) if row.id in beside else row for row in found]
    waiting = [row.id for row in found if row.needs_job is not None and row.state == JobState.PENDING]
    without = blocked.of_jobs(tx, waiting) if waiting else {}
    return [replace(row, blocked=without[row.id]) if row.id in without else row for row in found]


def count_jobs(tx: Tx, wanted: JobFilter) -> tuple[int, int]:
    """How many jobs match, and the total cost of one attempt at each, in micros."""
    query = select(func.count(), func.coalesce(func.sum(lane_table.c.price_micros), 0)).select_from(job_table)
    query = query.join(lane_table, lane_table.c.id == job_table.c.lane_id)
    jobs, micros = tx.conn.execute(matching(tx, query, wanted)).one()
    return int(jobs), int(micros)


def count_paid(tx: Tx, wanted: JobFilter) -> tuple[int, int, int]:
    """How many jobs match, how many pictures they ask for, and what was paid for them, in micros."""
    sums = (func.coalesce(func.sum(column), 0) for column in (job_table.c.images, job_table.c.cost_micros))
    query = select(func.count(), *sums).select_from(job_table)
    jobs, images, micros = tx.conn.execute(matching(tx, query, wanted)).one()
    return int(jobs), int(images), int(micros)


def count_pictures(tx: Tx, wanted: JobFilter) -> int:
    """How many pictures of matching jobs are stored."""
    query = select(func.count()).select_from(job_table).join(output_table)
    stored = query.where(output_table.c.state == OutputState.STORED)
    return int(tx.conn.execute(matching(tx, stored, wanted)).scalar_one())


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """What a listing shows of a job's newest attempt."""

    prediction_id: str | None = None
    inference_ms: int | None = None
    trouble: str | None = None
    attention: str | None = None
    price_micros: int | None = None
    charged_micros: int | None = None  # of all attempts together


NO_ATTEMPT: Final = LastAttempt()


def _last_attempts(tx: Tx, job_ids: Sequence[int]) -> dict[int, LastAttempt]:
    names = ("job_id", "prediction_id", "inference_ms", "state", "trouble", "overdue_at", "price_micros")
    query = (
        select(*(attempts.c[name] for name in (*names, "billed_micros", "refunded_micros")))
        .where(attempts.c.job_id.in_(job_ids))
        .order_by(attempts.c.job_id, attempts.c.number)
    )
    rows = tx.conn.execute(query).all() if job_ids else ()
    charged: dict[int, int] = {}
    for row in rows:
        if row.billed_micros is not None:
            paid = row.billed_micros - (row.refunded_micros or 0)
            charged[row.job_id] = charged.get(row.job_id, 0) + paid
    return {
        row.job_id: LastAttempt(
            prediction_id=row.prediction_id,
            inference_ms=row.inference_ms,
            trouble=row.trouble,
            attention=attention_word(row),
            price_micros=row.price_micros,
            charged_micros=charged.get(row.job_id),
        )
        for row in rows
    }


def _job_row(row: Any, last: LastAttempt, pictures: list[OutputRow]) -> JobRow:
    return JobRow(
        id=row.id,
        campaign=row.campaign,
        name=row.name,
        run=row.run_key,
        key=row.key,
        ordinal=row.ordinal,
        variation=row.variation,
        state=row.state,
        queue=row.queue,
        due_at=row.due_at,
        reason=row.reason,
        message=row.message,
        params=row.params,
        tags=row.tags,
        images=row.images,
        price_micros=row.live_micros if row.finished_at is None else last.price_micros or row.live_micros,
        list_micros=row.price_micros,
        cost_micros=row.cost_micros,
        attempts=row.attempts,
        tries_left=row.tries_left,
        created_at=row.created_at,
        finished_at=row.finished_at,
        prediction_id=last.prediction_id,
        inference_ms=last.inference_ms,
        trouble=last.trouble,
        attention=last.attention,
        outputs=pictures,
        lane_id=row.lane_id,
        canary=row.canary,
        gated=row.gated,
        charged_micros=last.charged_micros,
        verdict=row.said_verdict,
        stars=row.said_stars,
        note=row.said_note,
        redo_of=row.redo_of,
        reused_from=row.reused_from,
        axes=tuple((str(name), str(label)) for name, label in row.axes or ()),
        stage=row.stage or "",
        needs_job=row.needs_job,
        needs_index=row.needs_index,
        taken_path=((row.local_images or {}).get(PICTURE) or {}).get("path"),
    )


_ROWS: Final = (
    select(
        job_table,
        lane_table.c.price_micros.label("live_micros"),
        *said_columns(job_table),
        run_table.c.name,
        run_table.c.run_key,
        run_table.c.gate_closed_at.is_not(None).label("gated"),
        campaign_table.c.name.label("campaign"),
        job_specs.c.params,
        job_specs.c.tags,
        job_specs.c.axes,
        job_specs.c.stage,
        job_specs.c.local_images,
    )
    .select_from(job_table)
    .join(run_table, run_table.c.id == job_table.c.run_id)
    .join(campaign_table, campaign_table.c.id == run_table.c.campaign_id)
    .join(lane_table, lane_table.c.id == job_table.c.lane_id)
    .join(job_specs, job_specs.c.job_id == job_table.c.id)
    .outerjoin(ORIGIN, ORIGIN.c.id == job_table.c.reused_from)
    .where(job_table.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(job_table.c.id)
)
