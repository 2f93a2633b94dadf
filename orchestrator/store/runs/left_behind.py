"""Jobs of a run that its manifest does not ask for any more: what an edit has left behind."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select

from orchestrator.core.specs import JsonObject
from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs

COMPARED_MAX: Final = 5_000
"""So many are read whole, to say what has changed; all are counted."""

_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """One such job, as it was asked for."""

    id: int
    state: str
    variation: int
    axes: tuple[tuple[str, str], ...]  # empty: it was recorded before values had names
    params: JsonObject
    pictures: Mapping[str, str]  # digests of its local pictures, by how they are written


@dataclass(slots=True)
class LeftBehind:
    """All such jobs of a run; money in micros."""

    waiting: int = 0
    running: int = 0
    made: int = 0
    failed: int = 0
    spent_micros: int = 0
    compared: list[Earlier] = field(default_factory=list)  # the first of them

    @property
    def jobs(self) -> int:
        """How many there are; those that were called off are none of them."""
        return self.waiting + self.running + self.made + self.failed


def left_behind(tx: Tx, run_id: int, asked: Collection[int]) -> LeftBehind:
    """The jobs of the run that are not among `asked`."""
    found, after = LeftBehind(), 0
    while True:
        rows = tx.conn.execute(_ALL, {"run": run_id, "after": after}).all()
        gone = [row for row in rows if row.id not in asked]
        for row in gone:
            found.waiting += row.state == JobState.PENDING
            found.running += row.state == JobState.RUNNING
            found.made += row.state in {JobState.SUCCEEDED, JobState.REUSED}
            found.failed += row.state == JobState.FAILED
            found.spent_micros += row.cost_micros
        room = COMPARED_MAX - len(found.compared)
        for chunk in chunks([row.id for row in gone[:room]]):
            found.compared += [_earlier(row) for row in tx.conn.execute(_SPECS, {"ids": chunk})]
        if len(rows) < _PAGE:
            return found
        after = rows[-1].id


def _earlier(row: Any) -> Earlier:
    return Earlier(
        id=row.id,
        state=row.state,
        variation=row.variation,
        axes=tuple((str(name), str(label)) for name, label in row.axes or ()),
        params=row.params,
        pictures={written: image["sha256"] for written, image in row.local_images.items()},
    )


_ALL: Final = (
    select(jobs.c.id, jobs.c.state, jobs.c.cost_micros)
    .where(jobs.c.run_id == bindparam("run"), jobs.c.id > bindparam("after"))
    .where(jobs.c.state != JobState.CANCELLED.value, jobs.c.redo_of.is_(None))
    .order_by(jobs.c.id)
    .limit(_PAGE)
)
_SPECS: Final = (
    select(
        jobs.c.id,
        jobs.c.state,
        jobs.c.variation,
        job_specs.c.axes,
        job_specs.c.params,
        job_specs.c.local_images,
    )
    .join_from(jobs, job_specs, job_specs.c.job_id == jobs.c.id)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(jobs.c.id)
)
