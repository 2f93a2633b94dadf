"""The pictures of a task that is recorded from their sidecars."""

from typing import Any, Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.paths import EARLIER_INDEX, kept_index, name_of_retry, path_key
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, outputs
from orchestrator.store.doubts.paid_tasks import PaidPicture, PaidTask


def find_again(tx: Tx, task: PaidTask, attempt_id: int) -> int:
    """Record pictures of a known attempt that this database believes to be lost; returns how many."""
    rows = [_values(each, attempt_id) for each in task.pictures]
    return sum(tx.conn.execute(_FIND_AGAIN, row).rowcount for row in rows)


def store(tx: Tx, task: PaidTask, *, job_id: int, attempt_id: int) -> None:
    """The pictures of the job's newest attempt; those of its planned ones that nobody has are lost."""
    here = {each.index for each in task.pictures}
    planned = set(tx.conn.execute(_PLANNED, {"job": job_id}).scalars())
    for each in task.pictures:
        if each.index not in planned:  # more came than were asked for
            tx.conn.execute(
                dialect.insert_or_ignore(tx.conn, outputs), [_planned(job_id, each.index, each.path)]
            )
        tx.conn.execute(_STORE, {**_values(each, attempt_id), "o_job": job_id})
    for index in planned - here:
        tx.conn.execute(_LOSE, {"o_job": job_id, "o_idx": index, "v_attempt": attempt_id})


def keep_beside(tx: Tx, task: PaidTask, *, job_id: int, attempt_id: int, number: int) -> None:
    """The pictures of an earlier attempt, beside those that the job has: as tries of the same names."""
    for each in task.pictures:
        index = kept_index(each.index, attempt=number)
        path = name_of_retry(each.path, job_id=job_id, attempt=number)
        planned = _planned(job_id, index, path) | {"clean_path": each.path, "clean_key": path_key(each.path)}
        tx.conn.execute(dialect.insert_or_ignore(tx.conn, outputs), [planned])
        tx.conn.execute(_STORE, {**_values(each, attempt_id), "o_job": job_id, "o_idx": index})


def _planned(job_id: int, index: int, path: str) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "idx": index,
        "path": path,
        "path_key": path_key(path),
        "state": OutputState.PLANNED.value,
    }


def _values(picture: PaidPicture, attempt_id: int) -> dict[str, Any]:
    return {
        "o_idx": picture.index,
        "v_attempt": attempt_id,
        "v_nsfw": picture.nsfw,
        "v_path": picture.stored_path,
        "v_sha256": picture.sha256,
        "v_bytes": picture.bytes,
        "v_media_type": picture.media_type,
        "v_width": picture.width,
        "v_height": picture.height,
        "v_at": picture.stored_at,
    }


_STORED_VALUES: Final = {
    "state": OutputState.STORED.value,
    "attempt_id": bindparam("v_attempt"),
    "nsfw": bindparam("v_nsfw"),
    "stored_path": bindparam("v_path"),
    "sha256": bindparam("v_sha256"),
    "bytes": bindparam("v_bytes"),
    "media_type": bindparam("v_media_type"),
    "width": bindparam("v_width"),
    "height": bindparam("v_height"),
    "stored_at": bindparam("v_at"),
}
_IS_IT: Final = (outputs.c.job_id == bindparam("o_job")) & (outputs.c.idx == bindparam("o_idx"))
_STORE: Final = update(outputs).where(_IS_IT).values(**_STORED_VALUES)
_LOSE: Final = (
    update(outputs).where(_IS_IT).values(state=OutputState.LOST.value, attempt_id=bindparam("v_attempt"))
)
_FIND_AGAIN: Final = (
    update(outputs)
    .where(
        outputs.c.attempt_id == bindparam("v_attempt"),
        outputs.c.idx == bindparam("o_idx"),
        outputs.c.state.in_([OutputState.LOST.value, OutputState.ABSENT.value]),
    )
    .values(**_STORED_VALUES)
)
_PLANNED: Final = select(outputs.c.idx).where(
    outputs.c.job_id == bindparam("job"), outputs.c.idx < EARLIER_INDEX
)
