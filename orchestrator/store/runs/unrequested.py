"""Waiting jobs of a run that are not requested now: those of an earlier version of its manifest, or outside
the requested part.

Only the ids of the requested jobs are kept, 8 bytes each. They are compared with the ids of waiting jobs,
which are read from the index on (run, state, id), so that no row of the table is read. Further tries of a job
are in no manifest: they were asked for by a person, and are left out; an index of their own has them.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_IS_REDO, jobs, lanes

_PAGE: Final = 10_000


def _no_ids() -> "array[int]":
    return array("q")


class JobsAt(NamedTuple):
    """Jobs that wait and are priced by the same inputs; the prices are those of one job, in micros."""

    digest: str
    jobs: int
    images: int
    price_micros: int
    list_micros: int


@dataclass(frozen=True, slots=True)
class Unrequested:
    """Waiting jobs that are not requested, the number of their pictures, and their cost in micros."""

    ids: "array[int]" = field(default_factory=_no_ids)  # ascending
    images: int = 0
    cost_micros: int = 0
    at_prices: tuple["JobsAt", ...] = ()

    @property
    def jobs(self) -> int:
        """How many jobs there are."""
        return len(self.ids)


class Requested:
    """Which jobs of a run are requested, collected chunk by chunk.

    It is created before the first job is looked up, and ignores jobs that are added to the run later, so that
    two processes that apply one manifest at the same time do not take each other's jobs for unrequested ones.
    """

    def __init__(self, tx: Tx, run_id: int) -> None:
        self._run_id = run_id
        self._newest: int = tx.conn.execute(_NEWEST, {"run": run_id}).scalar() or 0
        self._ids = _no_ids()

    def add(self, ids: Iterable[int]) -> None:
        """Record that these jobs of the run are requested, whatever their state."""
        self._ids.extend(ids)

    def asked(self) -> set[int]:
        """The ids of all that are requested."""
        return set(self._ids)

    def others(self, tx: Tx) -> Unrequested:
        """Jobs of the run that wait now, existed when this object was created, and are not requested."""
        asked = array("q", sorted(self._ids))
        tries = set(tx.conn.execute(_WAITING_TRIES, {"run": self._run_id}).scalars())
        found = _no_ids()
        after = 0
        while True:
            bounds = {"run": self._run_id, "after": after, "newest": self._newest}
            page = tx.conn.execute(_WAITING, bounds).scalars().all()
            if page:
                after = page[-1]
                wanted = tries.union(asked[bisect_left(asked, page[0]) : bisect_right(asked, after)])
                found.extend(job_id for job_id in page if job_id not in wanted)
            if len(page) < _PAGE:
                return _summed(found, _at_prices(tx, found))


def waiting_at_prices(tx: Tx, run_id: int) -> list[JobsAt]:
    """All waiting jobs of a run, by what decides their price."""
    rows = tx.conn.execute(_ALL_WAITING, {"run": run_id})
    return [JobsAt(*row) for row in rows]


def tries_at_prices(tx: Tx, run_id: int) -> list[JobsAt]:
    """The further tries of its jobs that wait in a run, by what decides their price."""
    return [JobsAt(*row) for row in tx.conn.execute(_ALL_TRIES, {"run": run_id})]


class Turn(NamedTuple):
    """A waiting job's place in the order of claims, and what decides its price."""

    round: int
    digest: str
    images: int
    price_micros: int  # as its lane has it


def turns_of(tx: Tx, ids: Iterable[int]) -> list[Turn]:
    """The turns of these jobs, by id."""
    return [
        Turn(*row) for chunk in chunks(list(ids)) for row in tx.conn.execute(_TURNS, {"ids": list(chunk)})
    ]


def turns_of_tries(tx: Tx, run_id: int) -> list[Turn]:
    """The turns of the further tries that wait in a run, by id."""
    return [Turn(*row) for row in tx.conn.execute(_TRY_TURNS, {"run": run_id})]


def _at_prices(tx: Tx, ids: "array[int]") -> tuple[JobsAt, ...]:
    found: dict[str, JobsAt] = {}
    for chunk in chunks(ids):
        for row in tx.conn.execute(_SUMS, {"ids": list(chunk)}):
            part = JobsAt(*row)
            before = found.get(part.digest)
            if before:
                part = part._replace(jobs=part.jobs + before.jobs, images=part.images + before.images)
            found[part.digest] = part
    return tuple(found.values())


def _summed(ids: "array[int]", at_prices: tuple[JobsAt, ...]) -> Unrequested:
    images = sum(part.images for part in at_prices)
    micros = sum(part.jobs * part.price_micros for part in at_prices)
    return Unrequested(ids, images, micros, at_prices=at_prices)


_NEWEST: Final = select(func.max(jobs.c.id)).where(jobs.c.run_id == bindparam("run"))
_WAITING: Final = (
    select(jobs.c.id)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.state == JobState.PENDING.value,
        jobs.c.id > bindparam("after"),
        jobs.c.id <= bindparam("newest"),
    )
    .order_by(jobs.c.id)
    .limit(_PAGE)
)
_BY_PRICE: Final = (
    select(
        lanes.c.price_digest,
        func.count(),
        func.coalesce(func.sum(jobs.c.images), 0),
        lanes.c.price_micros,
        lanes.c.list_micros,
    )
    .join_from(jobs, lanes, lanes.c.id == jobs.c.lane_id)
    .group_by(lanes.c.id, lanes.c.price_digest, lanes.c.price_micros, lanes.c.list_micros)
)
_ALL_TURNS: Final = (
    select(jobs.c.round, lanes.c.price_digest, jobs.c.images, lanes.c.price_micros)
    .join_from(jobs, lanes, lanes.c.id == jobs.c.lane_id)
    .order_by(jobs.c.id)
)
_TURNS: Final = _ALL_TURNS.where(jobs.c.id.in_(bindparam("ids", expanding=True)))
_TRY_TURNS: Final = _ALL_TURNS.where(
    jobs.c.run_id == bindparam("run"), jobs.c.state == JobState.PENDING.value, JOB_IS_REDO
)
_SUMS: Final = _BY_PRICE.where(jobs.c.id.in_(bindparam("ids", expanding=True)))
_ALL_WAITING: Final = _BY_PRICE.where(
    jobs.c.run_id == bindparam("run"), jobs.c.state == JobState.PENDING.value
).order_by(lanes.c.price_digest)
_ALL_TRIES: Final = _ALL_WAITING.where(JOB_IS_REDO)
_WAITING_TRIES: Final = select(jobs.c.id).where(
    jobs.c.run_id == bindparam("run"), jobs.c.state == JobState.PENDING.value, JOB_IS_REDO
)
