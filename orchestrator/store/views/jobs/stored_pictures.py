"""Stored pictures, page by page, with what is needed to compare each with its file and to fetch it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.paths import EARLIER_INDEX, index_and_attempt
from orchestrator.core.states import JobState
from orchestrator.store.attempts.held import HELD_ATTEMPTS, held_attempt
from orchestrator.store.attempts.origins import origins_of, paths_of
from orchestrator.store.choosing.told_choices import ENTRY, choices_of
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import OutputState, attempts, events, jobs, outputs
from orchestrator.store.views.jobs.walk import PAGE, JobFilter, page_ids


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """One picture as it was recorded."""

    job_id: int
    attempt_id: int | None
    index: int  # within its task
    path: str  # where it lies, relative to the output root
    sha256: str
    bytes: int | None
    media_type: str
    nsfw: bool | None
    prediction_id: str | None
    accepted_at: int | None  # ms
    moving_to: str | None = None  # where it may lie already: a move was broken off
    idx: int = 0  # as in its row
    missing_since: int | None = None  # ms; its file was not there when a later run pointed at it


def pages(database: Database, wanted: JobFilter) -> Iterator[list[StoredPicture]]:
    """Every stored picture of the jobs, in the order of their ids; each page is a transaction of its own."""
    after = 0
    while True:
        with database.read() as tx:
            ids = page_ids(tx, wanted, after_id=after, limit=PAGE)
            page = of_jobs(tx, ids) if ids else []
        if page:
            yield page
        if len(ids) < PAGE:
            return
        after = ids[-1]


def shown_by(database: Database, run_id: int) -> Iterator[tuple[int, StoredPicture]]:
    """Every stored picture that a page of the run shows, with the job by which it does: its own, and those
    of earlier runs that its reused jobs have.
    """
    for page in pages(database, JobFilter(run_ids=(run_id,))):
        yield from ((picture.job_id, picture) for picture in page)
    after, whole = 0, True
    while whole:
        with database.read() as tx:
            rows = tx.conn.execute(_POINTING, {"run": run_id, "after": after}).all()
            by = {row.reused_from: row.id for row in rows}
            page = of_jobs(tx, list(by)) if by else []
        yield from ((by[picture.job_id], picture) for picture in page)
        whole = len(rows) == PAGE
        after = rows[-1].id if rows else after


def of_jobs(tx: Tx, job_ids: Sequence[int]) -> list[StoredPicture]:
    """Every stored picture of these jobs."""
    return [_picture(row) for row in tx.conn.execute(_OF_JOBS, {"ids": list(job_ids)})]


def reused_by(database: Database, run_ids: Sequence[int]) -> Iterator[list[StoredPicture]]:
    """The pictures of other runs that reused jobs of these runs point at, page by page."""
    for run_id in run_ids:
        after = 0
        while True:
            with database.read() as tx:
                rows = tx.conn.execute(_POINTING, {"run": run_id, "after": after}).all()
                ids = [row.reused_from for row in rows]
                page = [_picture(row) for row in tx.conn.execute(_OF_JOBS, {"ids": ids})] if ids else []
            if page:
                yield [picture for picture in page if picture.idx < EARLIER_INDEX]
            if len(rows) < PAGE:
                break
            after = rows[-1].id


def note_missing(tx: Tx, picture: StoredPicture, *, missing: bool) -> None:
    """Record that a picture that a run points at is not there, or is again; once as an event."""
    since = tx.now if missing else None
    here = (outputs.c.job_id == picture.job_id) & (outputs.c.idx == picture.idx)
    changed = outputs.c.missing_since.is_(None) if missing else outputs.c.missing_since.is_not(None)
    if tx.conn.execute(update(outputs).where(here, changed).values(missing_since=since)).rowcount:
        kind = "picture_missing" if missing else "picture_back"
        words = "is not there any more" if missing else "is there again"
        tx.conn.execute(
            events.insert().values(
                at=tx.now, kind=kind, job_id=picture.job_id, message=f"{picture.path} {words}"
            )
        )


def newest(tx: Tx, most: int) -> list[StoredPicture]:
    """Of the newest jobs, up to so many pictures."""
    return [_picture(row) for row in tx.conn.execute(_NEWEST, {"most": most})]


def count(tx: Tx) -> int:
    """How many pictures are stored."""
    return int(tx.conn.execute(_COUNT).scalar_one())


def sidecar(tx: Tx, picture: StoredPicture) -> dict[str, Any]:
    """What the sidecar of a picture says, made again from the rows."""
    if picture.attempt_id is None:
        return {}
    row = tx.conn.execute(HELD_ATTEMPTS.where(attempts.c.id == picture.attempt_id)).mappings().one()
    attempt = held_attempt(row)
    origins = origins_of(tx, [attempt.attempt_id], paths_of(tx, [attempt.job_id]))
    choice = choices_of(tx, [attempt.job_id])[attempt.job_id]
    return {
        **origins[attempt.attempt_id],
        **({ENTRY: choice} if choice else {}),
        "job": attempt.job_id,
        "attempt": attempt.attempt_id,
        "model": attempt.model,
        "prediction_id": attempt.prediction_id,
        "params": attempt.params,
        "local_images": {written: image["sha256"] for written, image in attempt.local_images.items()},
        "local_files": attempt.local_images,
        "output_index": picture.index,
        "price_micros": attempt.price_micros,
        "accepted_at_ms": attempt.accepted_at,
        "inference_ms": attempt.inference_ms,
    }


def _picture(row: Any) -> StoredPicture:
    return StoredPicture(
        job_id=row.job_id,
        attempt_id=row.attempt_id,
        index=index_and_attempt(row.idx)[0],
        path=row.stored_path,
        sha256=row.sha256,
        bytes=row.bytes,
        media_type=row.media_type or "image/png",
        nsfw=row.nsfw,
        prediction_id=row.prediction_id,
        accepted_at=row.accepted_at,
        moving_to=row.moving_to,
        idx=row.idx,
        missing_since=row.missing_since,
    )


_IS_STORED: Final = outputs.c.state == OutputState.STORED.value
_PICTURES: Final = (
    select(outputs, attempts.c.prediction_id, attempts.c.accepted_at)
    .join_from(outputs, attempts, attempts.c.id == outputs.c.attempt_id, isouter=True)
    .where(_IS_STORED)
)
_OF_JOBS: Final = _PICTURES.where(outputs.c.job_id.in_(bindparam("ids", expanding=True))).order_by(
    outputs.c.job_id, outputs.c.idx
)
_NEWEST: Final = _PICTURES.order_by(outputs.c.job_id.desc(), outputs.c.idx).limit(bindparam("most"))
_POINTING: Final = (
    select(jobs.c.id, jobs.c.reused_from)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.state == JobState.REUSED.value,
        jobs.c.id > bindparam("after"),
    )
    .order_by(jobs.c.id)
    .limit(PAGE)
)
_COUNT: Final = select(func.count()).select_from(outputs).where(_IS_STORED)
