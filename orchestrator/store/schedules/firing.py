"""Firing: the ticks whose time has come become rows, each once, whoever looks."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select, update

from orchestrator.core.states import TickState
from orchestrator.core.tick_decisions import caught_up
from orchestrator.core.ticks import Firing, TickKind, jitter_of
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import schedules, ticks
from orchestrator.store.schedules import schedules as rows
from orchestrator.store.schedules.schedules import Schedule, note
from orchestrator.store.schedules.ticks import insert, insert_missed

MISSED_ROWS_MAX: Final = 200
"""Of ticks that were missed in one go, the newest so many get a row of their own; the event counts all."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What one look has fired."""

    due: int = 0
    missed: int = 0


def is_ripe(tx: Tx) -> bool:
    """Whether the time of some schedule has come."""
    return bool(tx.conn.execute(select(exists().where(*_ripe(tx)))).scalar())


def fire(tx: Tx) -> Fired:
    """Fire every schedule whose time has come by the database's clock.

    A schedule that another worker fires at this moment is passed over; were both to fire it, the unique key
    of a tick would let one of them. A paused schedule fires nothing, and misses nothing.
    """
    due = missed = 0
    for schedule in rows.locked(tx, *_ripe(tx)):
        one = _fire(tx, schedule)
        due, missed = due + one.due, missed + one.missed
    return Fired(due, missed)


def fire_one(tx: Tx, schedule: Schedule) -> Fired:
    """Fire what of one schedule has come and was not looked at, before an edit or a pause changes what
    comes.
    """
    now = rows.lock(tx, schedule.id)  # another may have paused or edited it since it was read
    if now.paused_at is not None or now.next_at is None or now.next_at > tx.now:
        return Fired()
    return _fire(tx, now)


def _ripe(tx: Tx) -> tuple[ColumnElement[bool], ...]:
    return schedules.c.removed_at.is_(None), schedules.c.paused_at.is_(None), schedules.c.next_at <= tx.now


def next_look(tx: Tx) -> int | None:
    """When the next tick is fired or begins, in ms; None: none is in sight."""
    fires = select(func.min(schedules.c.next_at)).where(
        schedules.c.paused_at.is_(None), schedules.c.removed_at.is_(None)
    )
    begins = select(func.min(ticks.c.due_at)).where(
        ticks.c.state == TickState.DUE.value, ticks.c.due_at > tx.now
    )
    found = [tx.conn.execute(query).scalar() for query in (fires, begins)]
    return min((moment for moment in found if moment is not None), default=None)


def _fire(tx: Tx, schedule: Schedule) -> Fired:
    timetable = schedule.timetable
    found = timetable.between(schedule.since, tx.now)
    wanted, late = caught_up(found, tx.now, schedule.words)
    due = sum(_insert(tx, schedule, firing) for firing in wanted)
    missed = _record_missed(tx, schedule, late)
    upcoming = timetable.next_after(tx.now)
    tx.conn.execute(
        update(schedules)
        .where(schedules.c.id == schedule.id)
        .values(since=tx.now, next_at=upcoming.at if upcoming else None)
    )
    return Fired(due, missed)


def _insert(tx: Tx, schedule: Schedule, firing: Firing) -> bool:
    delay = jitter_of(schedule.name, firing.key, schedule.words.jitter_ms)
    added = insert(
        tx,
        firing,
        schedule_id=schedule.id,
        revision=schedule.revision,
        kind=TickKind.SCHEDULED,
        delay_ms=delay,
    )
    if added is None:
        return False
    note(tx, "tick_due", f"{schedule.name} at {firing.local} is due")
    return True


def _record_missed(tx: Tx, schedule: Schedule, late: list[Firing]) -> int:
    """A row for each, and one event for all of them."""
    message = f"no worker was there in time (catchup max_age is {_hours(schedule.words.max_age_ms)})"
    added = [
        firing
        for firing in late[-MISSED_ROWS_MAX:]
        if insert_missed(tx, firing, schedule_id=schedule.id, revision=schedule.revision, message=message)
    ]
    if not added:
        return 0
    unrecorded = max(0, len(late) - MISSED_ROWS_MAX)
    number = len(added) + unrecorded
    span = added[-1].local if number == 1 else f"{late[0].local} to {added[-1].local}"
    ticks_were = "1 tick was" if number == 1 else f"{number} ticks were"
    note(
        tx,
        "ticks_missed",
        f"{ticks_were} missed of {schedule.name} ({span}): {message}. To make one all the same: "
        f"orchestrator schedule backfill {schedule.name} {added[-1].local}",
    )
    return number


def _hours(ms: int) -> str:
    return f"{ms / 3_600_000:g} h"
