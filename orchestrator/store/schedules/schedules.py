"""Schedules: what fires when. Rows are added and edited, paused and removed; none is deleted."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update

from orchestrator.core.errors import NotFoundError
from orchestrator.core.suggest import did_you_mean
from orchestrator.core.ticks import ScheduleWords, words_from
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import events, schedules
from orchestrator.timetable.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule, as stored. Times in ms."""

    id: int
    name: str  # campaign/name of its manifest
    manifest_path: str
    words: ScheduleWords
    revision: int  # one more with each edit of expression or zone
    since: int  # its ticks are after it
    next_at: int | None  # None: it never fires again
    failures: int  # ticks that failed one after another
    paused_at: int | None
    paused_why: str | None
    removed_at: int | None = None

    @property
    def timetable(self) -> Timetable:
        """When it fires."""
        return Timetable(self.words.cron, self.words.timezone)


@dataclass(frozen=True, slots=True)
class Put:
    """What adding a schedule did."""

    schedule: Schedule
    before: Schedule | None  # None: it is new, or was removed

    @property
    def changed(self) -> bool:
        """Whether anything is other than it was."""
        old, new = self.before, self.schedule
        return old is None or (old.words, old.manifest_path) != (new.words, new.manifest_path)


def put(tx: Tx, name: str, words: ScheduleWords, *, manifest_path: str) -> Put:
    """Add a schedule, or let an edit of it count from now on.

    An edit of expression or zone begins a revision whose ticks are strictly after this moment; what has fired
    stays as it was fired. A removed schedule that is added again begins anew, with its history.
    """
    old = _lock(tx, name)
    timing = (words.cron, words.timezone)
    retimed = old is None or old.removed_at is not None or timing != (old.words.cron, old.words.timezone)
    values: dict[str, Any] = {
        "manifest_path": manifest_path,
        "cron": words.cron,
        "timezone": words.timezone,
        "settings": words.settings(),
        "removed_at": None,
    }
    if retimed:
        upcoming = Timetable(*timing).next_after(tx.now)
        values |= {
            "revision": old.revision + 1 if old else 1,
            "since": tx.now,
            "next_at": upcoming.at if upcoming else None,
        }
    if old is not None and old.removed_at is not None:
        values["failures"] = 0
    if old is None:
        row = dialect.insert(tx.conn, schedules).values(name=name, created_at=tx.now, **values)
        tx.conn.execute(row.on_conflict_do_nothing(index_elements=["name"]))
    else:
        tx.conn.execute(update(schedules).where(schedules.c.id == old.id).values(**values))
    found = find(tx, name)
    return Put(found, None if old is None or old.removed_at is not None else old)


def find(tx: Tx, name: str) -> Schedule:
    """The schedule with that name, or the one whose last part it is; raises NotFoundError."""
    known = [schedule for schedule in every(tx) if name in {schedule.name, schedule.name.partition("/")[2]}]
    exact = [schedule for schedule in known if schedule.name == name]
    if exact or len(known) == 1:
        return (exact or known)[0]
    if known:
        names = ", ".join(schedule.name for schedule in known)
        raise NotFoundError(f"{name!r} may be {names}: name the campaign too.")
    hint = did_you_mean(name, [schedule.name for schedule in every(tx)])
    raise NotFoundError(
        f"There is no schedule {name!r}. {hint} See: orchestrator schedule list".replace("  ", " ")
    )


def every(tx: Tx, *, removed: bool = False) -> list[Schedule]:
    """All schedules by name, with `removed` also those."""
    query = _SCHEDULES if removed else _SCHEDULES.where(schedules.c.removed_at.is_(None))
    return [schedule_of(row) for row in tx.conn.execute(query.order_by(schedules.c.name))]


def pause(tx: Tx, schedule: Schedule, why: str) -> bool:
    """Fire nothing any more; what has begun goes on. False when it was paused already: then the first reason
    stays.
    """
    this = (
        (schedules.c.id == schedule.id) & schedules.c.paused_at.is_(None) & schedules.c.removed_at.is_(None)
    )
    values = {"paused_at": tx.now, "paused_why": why}
    changed = bool(tx.conn.execute(update(schedules).where(this).values(**values)).rowcount)
    if changed:
        note(tx, "schedule_paused", f"schedule {schedule.name} is paused: {why}")
    return changed


def resume(tx: Tx, schedule: Schedule) -> bool:
    """Fire again, what comes from now on: nobody wanted the ticks of a pause. False when it was not
    paused.
    """
    timetable = lock(tx, schedule.id).timetable  # an edit during the pause counts
    upcoming = timetable.next_after(tx.now)
    changed = tx.conn.execute(
        update(schedules)
        .where(schedules.c.id == schedule.id, schedules.c.paused_at.is_not(None))
        .values(
            paused_at=None,
            paused_why=None,
            failures=0,
            since=tx.now,
            next_at=upcoming.at if upcoming else None,
        )
    ).rowcount
    if changed:
        note(tx, "schedule_resumed", f"schedule {schedule.name} fires again")
    return bool(changed)


def count_failure(tx: Tx, schedule: Schedule, why: str) -> None:
    """One more tick has failed; pause the schedule when its manifest says so many are enough."""
    failures = schedule.failures + 1
    tx.conn.execute(update(schedules).where(schedules.c.id == schedule.id).values(failures=failures))
    enough = schedule.words.pause_after_failures
    if enough is not None and failures >= enough:
        ticks = "1 tick failed" if failures == 1 else f"{failures} ticks failed one after another"
        pause(tx, schedule, f"{ticks}; the last: {why}")


def count_success(tx: Tx, schedule: Schedule) -> None:
    """A tick went well: failures count from zero."""
    if schedule.failures:
        tx.conn.execute(update(schedules).where(schedules.c.id == schedule.id).values(failures=0))


def note(tx: Tx, kind: str, message: str, *, run_id: int | None = None) -> None:
    """Record an event about a schedule."""
    tx.conn.execute(events.insert().values(at=tx.now, kind=kind, message=message, run_id=run_id))


def locked(tx: Tx, *conditions: Any) -> list[Schedule]:
    """The schedules that match, for this transaction alone; those that another one has are passed over."""
    query = _SCHEDULES.where(*conditions).order_by(schedules.c.id)
    rows = tx.conn.execute(dialect.lock_rows(tx.conn, query, schedules, skip_locked=True))
    return [schedule_of(row) for row in rows]


def lock(tx: Tx, schedule_id: int) -> Schedule:
    """One schedule that exists, for this transaction alone."""
    query = _SCHEDULES.where(schedules.c.id == schedule_id)
    return schedule_of(tx.conn.execute(dialect.lock_rows(tx.conn, query, schedules)).one())


def _lock(tx: Tx, name: str) -> Schedule | None:
    query = _SCHEDULES.where(schedules.c.name == name)
    row = tx.conn.execute(dialect.lock_rows(tx.conn, query, schedules)).one_or_none()
    return None if row is None else schedule_of(row)


def schedule_of(row: Any) -> Schedule:
    """A row as a value."""
    return Schedule(
        id=row.id,
        name=row.name,
        manifest_path=row.manifest_path,
        words=words_from(row.cron, row.timezone, row.settings),
        revision=row.revision,
        since=row.since,
        next_at=row.next_at,
        failures=row.failures,
        paused_at=row.paused_at,
        paused_why=row.paused_why,
        removed_at=row.removed_at,
    )


_SCHEDULES: Final = select(schedules)
