"""Jobs of later stages: each waits for the picture of another job of its run, and is claimed when it has it.

| What has happened | A waiting job that needs it |
|---|---|
| its picture is there: stored, accepted where it must be | is ready, and has it as an input |
| another picture is the choice now | takes that one |
| the picture is rejected, or nobody accepts it any more | waits for one again |

A job that a worker has claimed is never changed: it is made of what it was given. `settle` is called in the
transaction in which something happens to the pictures of a job. What two transactions do at once may be
missed; upkeep finds that (`settle_missed`), and the claim itself looks once more at what it takes
(`still_right`), so that nothing is ever sent with a picture that was not the choice when it was claimed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, Select, bindparam, case, literal, select, update

from orchestrator.core.specs import PICTURE
from orchestrator.core.states import JobState
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_NEEDS, Queue, job_specs, jobs
from orchestrator.store.runs import chosen_pictures
from orchestrator.store.runs.chosen_pictures import ChosenPicture, WantedPicture
from orchestrator.store.runs.new_jobs import NEEDS_PICTURE
from orchestrator.store.runs.run_lanes import reopen_lanes

MISSED_MAX: Final = 500
"""Pictures that one pass of upkeep looks at in one transaction."""

_LACKS: Final = jobs.c.needs_job.is_not(None) & jobs.c.needs_sha256.is_(None)
FREED: Final = {
    "queue": case((_LACKS, literal(Queue.WAITING.value)), else_=literal(Queue.READY.value)),
    "reason": case((_LACKS, literal(NEEDS_PICTURE)), else_=None),
    "due_at": None,
    "message": None,
}
"""What a job becomes that nobody holds any more."""


def settle(tx: Tx, job_ids: Collection[int], *, pointed_at: bool = False) -> int:
    """Something has happened to the pictures of these jobs: give those that wait for them what they take now.
    `pointed_at`: also where a later run has their pictures. Returns how many were changed.
    """
    if not job_ids:
        return 0
    firsts = chosen_pictures.first_tries(tx, job_ids)
    sources = set(firsts)
    if pointed_at and tx.conn.execute(_ANY_NEEDS).first() is not None:
        for chunk in chunks(sorted(firsts | set(job_ids))):
            sources.update(tx.conn.execute(_POINTING, {"ids": list(chunk)}).scalars())
    changed = 0
    for chunk in chunks(sorted(sources)):
        changed += _settle(tx, _WAITING.where(jobs.c.needs_job.in_(_IDS)), chunk)
    return changed


def settle_waiting(tx: Tx, job_ids: Collection[int]) -> int:
    """Give those of these jobs that wait, and need a picture, what they take now."""
    changed = 0
    for chunk in chunks(sorted(job_ids)):
        changed += _settle(tx, _WAITING.where(jobs.c.id.in_(_IDS)), chunk)
    return changed


def still_right(tx: Tx, job_ids: Collection[int]) -> set[int]:
    """Those of the jobs whose picture is the choice at this moment; the others are given what is. The caller
    has locked them.
    """
    ids = sorted(job_ids)
    wrong = {
        row.id
        for chunk in chunks(ids)
        for row, _ in _differing(tx, _WAITING.where(jobs.c.id.in_(_IDS)), chunk)
    }
    settle_waiting(tx, wrong)
    return set(ids) - wrong


def missed(tx: Tx, after: int, most: int = MISSED_MAX) -> tuple[list[int], int | None]:
    """Waiting jobs that should have another picture than they have, of the first sources after one; and where
    to go on, None at the end. Writes nothing.
    """
    sources = list(tx.conn.execute(_SOURCES, {"after": after, "most": most}).scalars())
    found = [
        row.id
        for chunk in chunks(sources)
        for row, _ in _differing(tx, _WAITING.where(jobs.c.needs_job.in_(_IDS)), chunk)
    ]
    return found, sources[-1] if len(sources) == most else None


def settle_missed(tx: Tx, rows: Sequence[Sequence[int]]) -> list[int]:
    """Give waiting jobs, found by `missed`, what they take now; returns how many were changed."""
    return [settle_waiting(tx, ids) for ids in rows]


def _settle(tx: Tx, which: Select[Any], ids: Sequence[int]) -> int:
    # A job that is being claimed is made of what it has; one that is being changed by another transaction is
    # looked at again by upkeep. So this never waits for a lock, whatever its caller has locked.
    rows = _differing(tx, dialect.lock_rows(tx.conn, which, jobs, skip_locked=True), ids)
    given = [(row, picture) for row, picture in rows if picture is not None]
    reopen_lanes(tx, sorted({row.lane_id for row, _ in given if _is_stuck(row)}))
    dialect.run_many(tx.conn, _GIVE, [{"j_id": row.id, "v_sha256": picture.sha256} for row, picture in given])
    dialect.run_many(tx.conn, _TAKE_BACK, [{"j_id": row.id} for row, picture in rows if picture is None])
    _write_images(tx, {row.id: picture for row, picture in rows})
    return len(rows)


def _differing(tx: Tx, which: Select[Any], ids: Sequence[int]) -> list[tuple[Any, ChosenPicture | None]]:
    """Waiting jobs that have another picture than they take now, each with that."""
    rows = tx.conn.execute(which.order_by(jobs.c.id), {"ids": list(ids)}).all()
    if not rows:
        return []
    wanted = {row.id: WantedPicture(row.needs_job, row.needs_index, bool(row.needs_accepted)) for row in rows}
    chosen = chosen_pictures.choices(tx, set(wanted.values()))
    found = []
    for row in rows:
        picture = chosen.get(wanted[row.id])
        sha256 = None if picture is None else picture.sha256
        claimable = row.queue == Queue.READY.value or row.due_at is not None
        if row.needs_sha256 != sha256 or (claimable if picture is None else _is_stuck(row)):
            found.append((row, picture))
    return found


def _is_stuck(row: Any) -> bool:
    return row.reason == NEEDS_PICTURE and row.due_at is None


def _write_images(tx: Tx, given: Mapping[int, ChosenPicture | None]) -> None:
    for chunk in chunks(sorted(given)):
        for row in tx.conn.execute(_IMAGES, {"ids": list(chunk)}).all():
            images = {name: image for name, image in (row.local_images or {}).items() if name != PICTURE}
            picture = given[row.job_id]
            if picture is not None:
                images[PICTURE] = picture.entry
            tx.conn.execute(_SET_IMAGES, {"s_id": row.job_id, "v_images": images})


_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_WAITING: Final[Select[Any]] = select(
    jobs.c.id,
    jobs.c.lane_id,
    jobs.c.queue,
    jobs.c.due_at,
    jobs.c.reason,
    jobs.c.needs_job,
    jobs.c.needs_index,
    jobs.c.needs_accepted,
    jobs.c.needs_sha256,
).where(JOB_NEEDS, jobs.c.state == JobState.PENDING.value)
_ANY_NEEDS: Final = select(jobs.c.id).where(JOB_NEEDS).limit(1)
_SOURCE: Final = jobs.alias("source")
_POINTING: Final = (
    select(jobs.c.needs_job)
    .join_from(jobs, _SOURCE, _SOURCE.c.id == jobs.c.needs_job)
    .where(JOB_NEEDS, jobs.c.state == JobState.PENDING.value, _SOURCE.c.reused_from.in_(_IDS))
    .distinct()
)
_SOURCES: Final = (
    select(jobs.c.needs_job)
    .where(JOB_NEEDS, jobs.c.state == JobState.PENDING.value, jobs.c.needs_job > bindparam("after"))
    .distinct()
    .order_by(jobs.c.needs_job)
    .limit(bindparam("most"))
)
_MINE: Final = (jobs.c.id == bindparam("j_id"), jobs.c.state == JobState.PENDING.value)
_STUCK: Final = (jobs.c.reason == NEEDS_PICTURE) & jobs.c.due_at.is_(None)
_GIVE: Final = (
    update(jobs)
    .where(*_MINE)
    .values(
        needs_sha256=bindparam("v_sha256"),
        queue=case((_STUCK, literal(Queue.READY.value)), else_=jobs.c.queue),
        message=case((_STUCK, None), else_=jobs.c.message),
        reason=case((_STUCK, None), else_=jobs.c.reason),
    )
)
_CLAIMABLE: Final = (jobs.c.queue == Queue.READY.value) | jobs.c.due_at.is_not(None)
_TAKE_BACK: Final = (
    update(jobs)
    .where(*_MINE)
    .values(
        needs_sha256=None,
        queue=Queue.WAITING.value,
        due_at=None,
        message=case((_CLAIMABLE, None), else_=jobs.c.message),
        reason=case((_CLAIMABLE, literal(NEEDS_PICTURE)), else_=jobs.c.reason),
    )
)
_IMAGES: Final = select(job_specs.c.job_id, job_specs.c.local_images).where(job_specs.c.job_id.in_(_IDS))
_SET_IMAGES: Final = (
    update(job_specs)
    .where(job_specs.c.job_id == bindparam("s_id"))
    .values(local_images=bindparam("v_images"))
)
