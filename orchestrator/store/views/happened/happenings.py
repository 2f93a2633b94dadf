"""What happened and what was decided, in the order of time: recorded events, and the acts of operators."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Select, bindparam, func, literal, null, select, union_all

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import acts, attempts, campaigns, events, jobs, runs
from orchestrator.store.views.happened.event_kinds import TOLD_BY_ACTS

PAGE: Final = 500
REREAD: Final = 1000
"""So many of the last ids are read again: a transaction may take an id long before it ends."""

Read = Callable[[], AbstractContextManager[Tx]]


@dataclass(frozen=True, slots=True)
class Happening:
    """A recorded event, or the act of an operator; the names are those of what it is about, where it is about
    one campaign, run or job.
    """

    id: int  # among the events, or among the acts
    at: int
    kind: str  # of the event; the words of the command that an act was
    message: str
    campaign: str | None
    name: str | None
    run: str | None
    job_id: int | None
    attempt_id: int | None = None
    act: "ActDetail | None" = None


@dataclass(frozen=True, slots=True)
class ActDetail:
    """What an act says beyond an event."""

    who: str
    host: str
    subject: str
    old: str | None
    new: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class HappeningFilter:
    """Which are wanted: every given field must match; without any, all are."""

    since: int | None = None
    kinds: tuple[str, ...] = ()
    acts_only: bool = False
    campaign_ids: tuple[int, ...] | None = None
    run_ids: tuple[int, ...] | None = None
    job_id: int | None = None


def happenings(read: Read, wanted: HappeningFilter, *, after: "Floor | None" = None) -> Iterator[Happening]:
    """All of them in the order of time, read a page at a time, each in a transaction of its own."""
    floor = after or Floor()
    decided = _pages(read, _narrowed(_ACTS, acts, wanted), acts, after=floor.act)
    happened = _pages(read, _narrowed(_EVENTS, events, wanted), events, after=floor.event)
    return _once(decided if wanted.acts_only else merge(decided, happened, key=_place))


def newest(read: Read, wanted: HappeningFilter, limit: int) -> list[Happening]:
    """The last `limit` of them, in the order of time."""
    with read() as tx:
        found = _last(tx, _narrowed(_ACTS, acts, wanted), acts, limit=limit)
        if not wanted.acts_only:
            # an event may fall to an act that says the same
            found += _last(tx, _narrowed(_EVENTS, events, wanted), events, limit=2 * limit)
    return list(_once(sorted(found, key=_place)))[-limit:]


def of_job(tx: Tx, job_id: int, limit: int) -> list[Happening]:
    """The first `limit` events and acts of a job, in the order of time."""
    wanted = HappeningFilter(job_id=job_id)
    found: list[Happening] = []
    for query, table in ((_ACTS, acts), (_EVENTS, events)):
        rows = tx.conn.execute(_narrowed(query, table, wanted).order_by(table.c.id).limit(limit))
        found += map(_happening, rows)
    return list(_once(sorted(found, key=_place)))


class Floor(NamedTuple):
    """Ids of an event and of an act; what has no higher ones is not read again."""

    event: int = 0
    act: int = 0


class Follower:
    """What is recorded after this was made, each once.

    A transaction that began earlier may end later, so the last ids are read again, and those that were seen
    are left out.
    """

    def __init__(self, read: Read, wanted: HappeningFilter) -> None:
        self._read = read
        self._wanted = wanted
        with read() as tx:
            last = Floor(*tx.conn.execute(_LAST).one())
            self._floor = Floor(last.event - REREAD, last.act - REREAD)
            among = {"event": self._floor.event, "act": self._floor.act}
            self._seen = {(bool(row.is_act), row.id) for row in tx.conn.execute(_RECENT, among)}

    def seen(self, items: Iterable[Happening]) -> Iterator[Happening]:
        """Pass them on; they are not news any more."""
        for item in items:
            self._seen.add((item.act is not None, item.id))
            yield item

    def news(self) -> list[Happening]:
        """What is recorded by now and was not seen yet."""
        found = list(happenings(self._read, self._wanted, after=self._floor))
        fresh = [item for item in found if (item.act is not None, item.id) not in self._seen]
        highest = [
            max((id_ for is_act, id_ in self._seen if is_act is kind), default=0) for kind in (False, True)
        ]
        self._floor = Floor(*(max(old, id_ - REREAD) for old, id_ in zip(self._floor, highest, strict=True)))
        self._seen = {(is_act, id_) for is_act, id_ in self._seen if id_ > self._floor[is_act]}
        return list(self.seen(fresh))


def _place(item: Happening) -> tuple[int, bool, int]:
    return item.at, item.act is None, item.id  # acts first: what they say is not said again


def _once(items: Iterable[Happening]) -> Iterator[Happening]:
    """Leave out the event that says the same as an act of the same transaction: one for each act."""
    at, told = -1, Counter[object]()
    for item in items:
        if item.at != at:
            at, told = item.at, Counter()
        if item.act is not None:
            told[item.job_id or item.act.subject] += 1
        elif item.kind in TOLD_BY_ACTS and told[subject := item.job_id or item.message.partition(":")[0]]:
            told[subject] -= 1
            continue
        yield item


def _pages(read: Read, query: Select[Any], table: Any, *, after: int) -> Iterator[Happening]:
    while True:
        with read() as tx:
            page = query.where(table.c.id > after).order_by(table.c.id).limit(PAGE)
            rows = tx.conn.execute(page).all()
        yield from map(_happening, rows)
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _last(tx: Tx, query: Select[Any], table: Any, *, limit: int) -> list[Happening]:
    return [_happening(row) for row in tx.conn.execute(query.order_by(table.c.id.desc()).limit(limit))]


def _narrowed(query: Select[Any], table: Any, wanted: HappeningFilter) -> Select[Any]:
    if wanted.since is not None:
        query = query.where(table.c.at >= wanted.since)
    if wanted.kinds:
        kind = acts.c.command if table is acts else events.c.kind
        query = query.where(kind.in_(wanted.kinds))
    for column, ids in ((campaigns.c.id, wanted.campaign_ids), (runs.c.id, wanted.run_ids)):
        if ids is not None:
            query = query.where(column.in_(ids))
    if wanted.job_id is None:
        return query
    about = table.c.job_id == wanted.job_id
    return query.where(about if table is acts else about | (attempts.c.job_id == wanted.job_id))


def _happening(row: Row[Any]) -> Happening:
    act = None
    message = row.message
    if row.who is not None:
        act = ActDetail(
            who=row.who, host=row.host, subject=row.message, old=row.old, new=row.new, why=row.why
        )
        message = f"{act.subject}: {act.old or 'none'} became {act.new or 'none'}"
    return Happening(
        id=row.id,
        at=row.at,
        kind=row.kind,
        message=message,
        campaign=row.campaign,
        name=row.name,
        run=row.run_key,
        job_id=row.job,
        attempt_id=row.attempt_id,
        act=act,
    )


_NAMES: Final = (campaigns.c.name.label("campaign"), runs.c.name, runs.c.run_key, jobs.c.id.label("job"))
_UNSIGNED: Final = tuple(null().label(name) for name in ("who", "host", "old", "new", "why"))
_EVENTS: Final = (
    select(
        events.c.id,
        events.c.at,
        events.c.kind,
        events.c.message,
        events.c.attempt_id,
        *_UNSIGNED,
        *_NAMES,
    )
    .select_from(events)
    .outerjoin(attempts, attempts.c.id == events.c.attempt_id)
    .outerjoin(jobs, jobs.c.id == func.coalesce(events.c.job_id, attempts.c.job_id))
    .outerjoin(runs, runs.c.id == func.coalesce(events.c.run_id, jobs.c.run_id))
    .outerjoin(campaigns, campaigns.c.id == func.coalesce(events.c.campaign_id, runs.c.campaign_id))
)
_ACTS: Final = (
    select(
        acts.c.id,
        acts.c.at,
        acts.c.command.label("kind"),
        acts.c.subject.label("message"),
        null().label("attempt_id"),
        acts.c.who,
        acts.c.host,
        acts.c.old,
        acts.c.new,
        acts.c.why,
        *_NAMES,
    )
    .select_from(acts)
    .outerjoin(jobs, jobs.c.id == acts.c.job_id)
    .outerjoin(runs, runs.c.id == func.coalesce(acts.c.run_id, jobs.c.run_id))
    .outerjoin(campaigns, campaigns.c.id == func.coalesce(acts.c.campaign_id, runs.c.campaign_id))
)
_LAST: Final = select(
    select(func.coalesce(func.max(events.c.id), 0)).scalar_subquery(),
    select(func.coalesce(func.max(acts.c.id), 0)).scalar_subquery(),
)
_RECENT: Final = union_all(
    select(literal(0).label("is_act"), events.c.id).where(events.c.id > bindparam("event")),
    select(literal(1).label("is_act"), acts.c.id).where(acts.c.id > bindparam("act")),
)
