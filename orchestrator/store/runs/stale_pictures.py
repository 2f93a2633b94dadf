"""Jobs of later stages that were made of a picture which is not the choice any more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, select

from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_NEEDS, jobs, lanes
from orchestrator.store.runs import chosen_pictures
from orchestrator.store.runs.chosen_pictures import WantedPicture

MADE: Final = frozenset({JobState.SUCCEEDED.value, JobState.RUNNING.value, JobState.REUSED.value})


@dataclass(frozen=True, slots=True)
class StaleJob:
    """A job, and the picture that it would be made of now."""

    job_id: int
    sha256: str
    price_digest: str
    price_micros: int
    tries: int  # that there are of it

    @property
    def request(self) -> str:
        """What tells one more try of it apart: a picture that comes back after another is another wish."""
        return f"picture {self.sha256} after {self.tries}"


def stale_jobs(tx: Tx, run_id: int) -> Iterator[StaleJob]:
    """Those of a run: some try of each was made, or is being made, of another picture, and none was or
    will be made of the one that is the choice now. Of one whose
    pictures are all rejected nothing would be made now.
    """
    if tx.conn.execute(_ANY).first() is None:
        return
    rows = tx.conn.execute(_MADE, {"run": run_id, "states": sorted(MADE)}).all()
    for chunk in chunks(rows):
        yield from _stale(tx, chunk)


def totals(tx: Tx, run_id: int) -> dict[str, tuple[int, int]]:
    """How many there are and what one more try of all of them costs, in micros, by price digest."""
    found: dict[str, tuple[int, int]] = {}
    for each in stale_jobs(tx, run_id):
        number, micros = found.get(each.price_digest, (0, 0))
        found[each.price_digest] = number + 1, micros + each.price_micros
    return found


def _stale(tx: Tx, rows: Sequence[Any]) -> Iterator[StaleJob]:
    wanted = {row.id: WantedPicture(row.needs_job, row.needs_index, bool(row.needs_accepted)) for row in rows}
    chosen = chosen_pictures.choices(tx, set(wanted.values()))
    tries = chosen_pictures.further_tries(tx, list(wanted))
    said = _said(tx, {job_id for its in tries.values() for job_id in its})
    for row in rows:
        picture = chosen.get(wanted[row.id])
        its = [said[job_id] for job_id in tries[row.id] if job_id in said]
        if picture is None or any(each.state == JobState.PENDING for each in its):
            continue
        if all(each.needs_sha256 != picture.sha256 for each in its if each.state != JobState.CANCELLED):
            yield StaleJob(
                job_id=row.id,
                sha256=picture.sha256,
                price_digest=row.price_digest,
                price_micros=row.price_micros,
                tries=len(its),
            )


def _said(tx: Tx, job_ids: set[int]) -> Mapping[int, Any]:
    return {
        row.id: row
        for chunk in chunks(sorted(job_ids))
        for row in tx.conn.execute(_TRIES, {"ids": list(chunk)})
    }


_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_ANY: Final = select(jobs.c.id).where(JOB_NEEDS).limit(1)
_MADE: Final = (
    select(
        jobs.c.id,
        jobs.c.needs_job,
        jobs.c.needs_index,
        jobs.c.needs_accepted,
        lanes.c.price_digest,
        lanes.c.price_micros,
    )
    .join_from(jobs, lanes, lanes.c.id == jobs.c.lane_id)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.state.in_(bindparam("states", expanding=True)),
        jobs.c.redo_of.is_(None),
        JOB_NEEDS,
    )
    .order_by(jobs.c.id)
)
_TRIES: Final = select(jobs.c.id, jobs.c.state, jobs.c.needs_sha256).where(jobs.c.id.in_(_IDS))
