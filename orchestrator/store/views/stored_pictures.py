"""Stored pictures, page by page, with what is needed to compare each with its file and to fetch it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.paths import index_and_attempt
from orchestrator.store.attempts.held import HELD_ATTEMPTS, held_attempt
from orchestrator.store.attempts.origins import origins_of, paths_of
from orchestrator.store.choosing.told_choices import ENTRY, choices_of
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import OutputState, attempts, outputs
from orchestrator.store.views.walk import PAGE, JobFilter, page_ids


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


def of_jobs(tx: Tx, job_ids: Sequence[int]) -> list[StoredPicture]:
    """Every stored picture of these jobs."""
    return [_picture(row) for row in tx.conn.execute(_OF_JOBS, {"ids": list(job_ids)})]


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
_COUNT: Final = select(func.count()).select_from(outputs).where(_IS_STORED)
