"""A person decides about schedules: each decision with the act that says who, and why."""

from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import Final

from orchestrator.core.errors import UsageError
from orchestrator.core.moments import MomentError, parse_at
from orchestrator.core.ticks import Firing, ScheduleWords
from orchestrator.store.account.acts import Change, Signature, record
from orchestrator.store.db.database import Tx
from orchestrator.store.schedules import asking, firing, schedules
from orchestrator.store.schedules.asking import AskedTicks
from orchestrator.store.schedules.schedules import Put, Schedule
from orchestrator.store.schedules.ticks import Tick, between

BACKFILL_MAX: Final = 31
"""So many ticks at a time: each may spend."""


def add_schedule(tx: Tx, name: str, words: ScheduleWords, *, manifest_path: str, signed: Signature) -> Put:
    """Let a manifest's schedule count. Nothing is recorded where it is so already."""
    for known in schedules.every(tx):
        if known.name == name:
            firing.fire_one(tx, known)
    put = schedules.put(tx, name, words, manifest_path=manifest_path)
    if put.changed:
        old = _described(put.before) if put.before else None
        _record(tx, signed, put.schedule, old=old, new=_described(put.schedule))
    return put


def remove_schedule(tx: Tx, schedule: Schedule, signed: Signature) -> None:
    """Let it fire no more; what of it has not begun is not made."""
    firing.fire_one(tx, schedule)
    asking.remove(tx, schedule)
    _record(tx, signed, schedule, old=_described(schedule), new=None)


def pause_schedule(tx: Tx, schedule: Schedule, signed: Signature) -> bool:
    """Fire nothing, until it is resumed. False when that was so already."""
    firing.fire_one(tx, schedule)
    changed = schedules.pause(tx, schedule, signed.why or "paused by an operator")
    if changed:
        _record(tx, signed, schedule, old="fires", new="paused")
    return changed


def resume_schedule(tx: Tx, schedule: Schedule, signed: Signature) -> bool:
    """Fire again. False when it was not paused."""
    changed = schedules.resume(tx, schedule)
    if changed:
        _record(tx, signed, schedule, old="paused", new="fires")
    return changed


def run_now(tx: Tx, schedule: Schedule, signed: Signature) -> AskedTicks:
    """A tick of this moment, for a worker to make; or the one that was asked for before and has not begun."""
    asked = asking.run_now(tx, schedule)
    for tick in asked.begun:
        _record(tx, signed, schedule, old=None, new=f"a tick of {tick.local}")
    return asked


def backfill(tx: Tx, schedule: Schedule, first: str, *, last: str | None, signed: Signature) -> AskedTicks:
    """Make the past ticks from one date or time to another; raises UsageError for none, for too many, and for
    what is still to come.
    """
    firings = _named(tx, schedule, first, last=last)
    if not firings and last is not None and _span(last, schedule)[1] <= _span(first, schedule)[0]:
        raise UsageError(
            f"{first} is later than {last}. Say the earlier one first: orchestrator schedule backfill "
            f"{schedule.name} {last} {first}. Nothing was changed."
        )
    if not firings:
        raise UsageError(
            f"{schedule.name} has no tick there that is past. Its ticks: {schedule.words.cron} in "
            f"{schedule.words.timezone}. Nothing was changed."
        )
    if len(firings) > BACKFILL_MAX:
        raise UsageError(
            f"That are {len(firings)} ticks or more; {BACKFILL_MAX} at a time can be made. Name a shorter "
            "span. Nothing was changed."
        )
    asked = asking.backfill(tx, schedule, firings)
    for tick in (*asked.begun, *asked.again):
        _record(tx, signed, schedule, old=None, new=f"a tick of {tick.local}")
    return asked


def approve_ticks(tx: Tx, schedule: Schedule, signed: Signature) -> list[Tick]:
    """Let what waits for a person go on."""
    found = [tick for tick in asking.waiting(tx, schedule) if asking.approve(tx, tick)]
    for tick in found:
        _record(tx, signed, schedule, old=f"the tick of {tick.local} waits", new="approved")
    return found


def refuse_ticks(tx: Tx, schedule: Schedule, signed: Signature) -> list[Tick]:
    """Do not make what waits for a person."""
    why = signed.why or "a person has refused it"
    found = [tick for tick in asking.waiting(tx, schedule) if asking.refuse(tx, tick, why, schedule=schedule)]
    for tick in found:
        _record(tx, signed, schedule, old=f"the tick of {tick.local} waits", new="refused")
    return found


def _named(tx: Tx, schedule: Schedule, first: str, *, last: str | None) -> list[Firing]:
    """What has fired in the span stays as it was fired: days of an earlier revision are not computed
    anew.
    """
    table = schedule.timetable
    start, _ = _span(first, schedule)
    _, end = _span(last or first, schedule)
    until = min(int(end.timestamp() * 1000) - 1, tx.now)
    begin = int(start.timestamp() * 1000) - 1
    known = [tick for tick in between(tx, schedule.id, begin, until=until) if not tick.key.startswith("now:")]
    earlier = {tick.local[:10] for tick in known if tick.revision != schedule.revision}
    found = {tick.key: tick.firing for tick in known}
    for each in takewhile(lambda coming: coming.at <= until, table.after(begin)):
        if each.date not in earlier:
            found.setdefault(each.key, each)
        if len(found) > BACKFILL_MAX:
            break
    return sorted(found.values(), key=lambda one: (one.at, one.key))


def _span(text: str, schedule: Schedule) -> tuple[datetime, datetime]:
    """The beginning and the end of what a date or a time names."""
    try:
        moment = parse_at(text)
    except MomentError as error:
        raise UsageError(f"{error}. Nothing was changed.") from None
    zone = schedule.timetable.zone
    if moment.tzinfo is not None:
        moment = moment.astimezone(zone)
    elif len(text.strip()) == _DATE_LENGTH:
        day = moment.replace(tzinfo=zone)
        return day, datetime.combine(moment.date() + timedelta(days=1), time(), tzinfo=zone)
    else:
        moment = moment.replace(tzinfo=zone)
        by_name = [one for one in schedule.timetable.between(*_around(moment)) if one.local == text.strip()]
        if by_name:  # one that the clock skips fires later than it is called
            moment = datetime.fromtimestamp(by_name[0].at / 1000, tz=zone)
    return moment, moment + timedelta(minutes=1)


def _around(moment: datetime) -> tuple[int, int]:
    at = int(moment.timestamp() * 1000)
    return at - 86_400_000, at + 86_400_000


def _described(schedule: Schedule) -> str:
    return f"{schedule.words.cron} in {schedule.words.timezone}, of {schedule.manifest_path}"


def _record(tx: Tx, signed: Signature, schedule: Schedule, *, old: str | None, new: str | None) -> None:
    record(tx, signed, Change(f"schedule {schedule.name}", old, new))


_DATE_LENGTH: Final = len("2026-11-28")
