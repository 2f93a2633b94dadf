"""Where pictures lie: workers of one database may store them on other hosts, or in other folders."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from orchestrator.core.states import AttemptState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, workers


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """A folder of a host, and how many jobs have their pictures there."""

    host: str
    root: str
    jobs: int


def places(
    tx: Tx, *, run_ids: Collection[int] | None = None, job_id: int | None = None
) -> list[PicturePlace]:
    """Where the pictures of these runs or of this job were stored, most first; those of workers that did not
    record it are left out.
    """
    query = _PLACES
    if run_ids is not None:
        query = query.where(attempts.c.run_id.in_(run_ids))
    if job_id is not None:
        query = query.where(attempts.c.job_id == job_id)
    return [PicturePlace(row.host, row.output_root, row.jobs) for row in tx.conn.execute(query)]


_PLACES: Final = (
    select(workers.c.host, workers.c.output_root, func.count(attempts.c.job_id.distinct()).label("jobs"))
    .join_from(attempts, workers, workers.c.id == attempts.c.worker)
    .where(attempts.c.state == AttemptState.SUCCEEDED.value, workers.c.output_root.is_not(None))
    .group_by(workers.c.host, workers.c.output_root)
    .order_by(func.count(attempts.c.job_id.distinct()).desc(), workers.c.host, workers.c.output_root)
)
