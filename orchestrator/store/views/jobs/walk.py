"""Ids of jobs in order, a page at a time, each page read from an index, so that a million jobs are neither
sorted nor counted.

The index on (run, state, id) holds the jobs of one run in one state in the order of their ids, and that on
(run, verdict, id) those with one verdict. A page over several runs, states or verdicts merges these streams,
and reads only those that have an id in the page.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs, runs
from orchestrator.store.views.happened.happening_names import named_campaign, named_runs

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted: every given field must match; without any, all jobs do."""

    states: tuple[str, ...] = ()
    campaign: str | None = None
    run: str | None = None  # the run key, the manifest's name, or campaign/name/key
    tags: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    ids: tuple[int, ...] = ()
    run_ids: tuple[int, ...] = ()
    verdict: str | None = None  # of JobVerdict
    since: int | None = None  # ms: ended then or later, or recorded then or later where it is not over
    until: int | None = None  # and before this

    @property
    def judged(self) -> str | None:
        """The verdict that the jobs must have; None where they need none."""
        return None if self.verdict == JobVerdict.NONE else self.verdict


def page_ids(tx: Tx, wanted: JobFilter, *, after_id: int = 0, limit: int = PAGE) -> list[int]:
    """The ids of one page, in order, after `after_id`; fewer than `limit` only at the end."""
    run_ids = _runs(tx, wanted)
    if wanted.ids or (run_ids is None and not wanted.states and not wanted.judged):
        query = _narrowed(select(jobs.c.id).where(jobs.c.id > after_id), wanted, run_ids)
        return list(tx.conn.execute(query.order_by(jobs.c.id).limit(limit)).scalars())
    if wanted.judged:
        heads = _heads(tx=tx, query=_JUDGED_HEADS, among=(wanted.judged,), run_ids=run_ids, after_id=after_id)
        stream = _of_states(_rest(_JUDGED_STREAM, wanted), wanted)
    else:
        among = wanted.states or tuple(JobState)
        heads = _heads(tx=tx, query=_HEADS, among=among, run_ids=run_ids, after_id=after_id)
        stream = _rest(_STREAM, wanted)
    return list(islice(_merged(tx=tx, heads=heads, stream=stream, limit=limit), limit))


def count_up_to(tx: Tx, wanted: JobFilter, most: int) -> int:
    """How many jobs match; `most + 1` when there are more than `most`, and no further one is read."""
    query = _narrowed(select(jobs.c.id), wanted, _runs(tx, wanted)).limit(most + 1)
    return int(tx.conn.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def matching(tx: Tx, query: Select[Any], wanted: JobFilter) -> Select[Any]:
    """The query over `jobs`, limited to those that match."""
    return _narrowed(query, wanted, _runs(tx, wanted))


def _runs(tx: Tx, wanted: JobFilter) -> Sequence[int] | None:
    """Ids of the runs that a filter selects; None: all. Raises NotFoundError for a name of nothing: "none of
    them" must not be read as "all are well".
    """
    if wanted.campaign is None and wanted.run is None:
        return wanted.run_ids or None
    query = select(runs.c.id).order_by(runs.c.id)
    if wanted.campaign is not None:
        query = query.where(runs.c.campaign_id.in_(named_campaign(tx, wanted.campaign)))
    if wanted.run is not None:
        query = query.where(runs.c.id.in_(named_runs(tx, wanted.run)))
    if wanted.run_ids:
        query = query.where(runs.c.id.in_(wanted.run_ids))
    return list(tx.conn.execute(query).scalars())


def _narrowed(query: Select[Any], wanted: JobFilter, run_ids: Sequence[int] | None) -> Select[Any]:
    if run_ids is not None:
        query = query.where(jobs.c.run_id.in_(run_ids))
    if wanted.ids:
        query = query.where(jobs.c.id.in_(wanted.ids))
    return _rest(_of_states(query, wanted), wanted)


def _of_states(query: Select[Any], wanted: JobFilter) -> Select[Any]:
    return query.where(jobs.c.state.in_(wanted.states)) if wanted.states else query


def _rest(query: Select[Any], wanted: JobFilter) -> Select[Any]:
    """Apply the filters that no index supports."""
    if wanted.verdict is not None:
        query = query.where(jobs.c.verdict == wanted.judged if wanted.judged else jobs.c.verdict.is_(None))
    if wanted.reason is not None:
        query = query.where(jobs.c.reason == wanted.reason)
    if wanted.since is not None:
        query = query.where(wanted.since <= _WHEN)
    if wanted.until is not None:
        query = query.where(wanted.until > _WHEN)
    if wanted.tags:
        specs = job_specs.alias()  # the outer query may name the table too
        tagged = select(specs.c.job_id).where(specs.c.job_id == jobs.c.id)
        for tag, value in wanted.tags.items():
            tagged = tagged.where(specs.c.tags[tag].as_string() == value)
        query = query.where(tagged.exists())
    return query


@dataclass(frozen=True, slots=True, order=True)
class _Head:
    """The first job of one stream."""

    first: int
    run_id: int
    value: str  # the state or the verdict that its jobs share


def _heads(
    tx: Tx, query: Select[Any], among: Sequence[str], run_ids: Sequence[int] | None, after_id: int
) -> deque[_Head]:
    found: list[_Head] = []
    query = query if run_ids is None else query.where(runs.c.id.in_(run_ids))
    for value in dict.fromkeys(among):
        rows = tx.conn.execute(query, {"value": str(value), "after": after_id})
        found += [_Head(row.first, row.id, str(value)) for row in rows if row.first is not None]
    return deque(sorted(found))


def _merged(tx: Tx, heads: deque[_Head], stream: Select[Any], limit: int) -> Iterator[int]:
    """Ids of all streams in order; a stream is opened when its first id is next."""
    opened: list[tuple[int, int, Iterator[int]]] = []
    while heads or opened:
        while heads and (not opened or heads[0].first <= opened[0][0]):
            head = heads.popleft()
            bounds = {"run": head.run_id, "value": head.value, "first": head.first, "most": limit}
            _push(opened, len(heads), iter(tx.conn.execute(stream, bounds).scalars().all()))
        if opened:
            job_id, number, rest = heappop(opened)
            yield job_id
            _push(opened, number, rest)


def _push(opened: list[tuple[int, int, Iterator[int]]], number: int, stream: Iterator[int]) -> None:
    job_id = next(stream, None)
    if job_id is not None:
        heappush(opened, (job_id, number, stream))


def _stream_by(column: ColumnElement[Any]) -> Select[Any]:
    return (
        select(jobs.c.id)
        .where(
            jobs.c.run_id == bindparam("run"),
            column == bindparam("value"),
            jobs.c.id >= bindparam("first"),
        )
        .order_by(jobs.c.id)
        .limit(bindparam("most"))
    )


def _heads_by(column: ColumnElement[Any]) -> Select[Any]:
    first = select(func.min(jobs.c.id)).where(
        jobs.c.run_id == runs.c.id, column == bindparam("value"), jobs.c.id > bindparam("after")
    )
    return select(runs.c.id, first.scalar_subquery().label("first"))


_WHEN: Final = func.coalesce(jobs.c.finished_at, jobs.c.created_at)
_STREAM: Final = _stream_by(jobs.c.state)
_HEADS: Final = _heads_by(jobs.c.state)
_JUDGED_STREAM: Final = _stream_by(jobs.c.verdict)
_JUDGED_HEADS: Final = _heads_by(jobs.c.verdict)
