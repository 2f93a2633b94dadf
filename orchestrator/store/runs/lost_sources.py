"""What a job of a later stage was made of, as the sidecars of its pictures tell it.

The job whose picture it took may be missing: its files are gone, or the run has those of an earlier one. Then
the job is recorded without it, and is never made again from here; applying the manifest names it again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.specs import PICTURE, JobSpec
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs
from orchestrator.store.runs import new_jobs, runs
from orchestrator.store.runs.new_jobs import NewJob


def placed(tx: Tx, run_id: int, job: JobSpec) -> JobSpec:
    """The job; without what it needs where the run does not have that."""
    if job.needs is None or runs.existing_ids(tx, run_id, [job.needs.key]):
        return job
    return replace(job, needs=None)


def name_again(tx: Tx, run_id: int, wanted: Sequence[NewJob]) -> None:
    """Jobs that the run has, and that do not say whose picture they took, take it from what is asked for."""
    asked = {job.key: job.needs for job in wanted if job.needs is not None}
    lost = dict(bulk.lookup(tx.conn, _LOST, list(asked), run_id)) if asked else {}
    if not lost:
        return
    sources = runs.existing_ids(tx, run_id, sorted({asked[key][0] for key in lost}))
    rows = []
    for key, job_id in lost.items():
        source, index, accepted = asked[key]
        if source in sources:
            of = {"v_job": sources[source], "v_index": index, "v_accepted": accepted}
            rows.append({"j_id": job_id, **of})
    dialect.run_many(tx.conn, _NAME, rows)


def restore(tx: Tx, job_id: int, job: JobSpec) -> None:
    """A job that has its pictures was made of the one that is told, whichever is the choice now."""
    taken = job.local_images.get(PICTURE)
    if taken is None:
        return
    images = {PICTURE: new_jobs.image_entry(taken)}
    held = tx.conn.execute(_IMAGES, {"job": job_id}).scalar_one() or {}
    tx.conn.execute(_SET_IMAGES, {"s_id": job_id, "v_images": {**held, **images}})
    tx.conn.execute(_TAKEN, {"j_id": job_id, "v_sha256": taken.sha256})


_LOST: Final = "SELECT key, id FROM jobs WHERE run_id = {} AND needs_job IS NULL AND key {any}"
_NAME: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.needs_job.is_(None))
    .values(
        needs_job=bindparam("v_job"),
        needs_index=bindparam("v_index"),
        needs_accepted=bindparam("v_accepted"),
    )
)
_TAKEN: Final = update(jobs).where(jobs.c.id == bindparam("j_id")).values(needs_sha256=bindparam("v_sha256"))
_IMAGES: Final = select(job_specs.c.local_images).where(job_specs.c.job_id == bindparam("job"))
_SET_IMAGES: Final = (
    update(job_specs)
    .where(job_specs.c.job_id == bindparam("s_id"))
    .values(local_images=bindparam("v_images"))
)
