"""The ticks of a cron expression in a time zone.

An expression whose hour field names hours means the clock on the wall: it fires once for each local date and
time, whatever the clock does. One that is skipped in spring fires when the skipped span has passed, and keeps
its name; one that comes twice in autumn fires the first time. Any other expression (`*`, a step, all hours)
means elapsed time: it fires by the instant, also twice in the hour that comes twice.

CronSim parses and steps. By the wall clock it is given times without a zone, since the zone is our part; by
the instant it is given six fields, for which it leaves the special rules of Debian's cron aside.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from orchestrator.core.moments import local_minute
from orchestrator.core.ticks import Firing
from orchestrator.timetable.zones import zone_of

FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MARGIN: Final = timedelta(days=2)
"""Local times are looked at from so long before: no clock was ever set by more than a day."""

LOOK_BACK_MS: Final = 31 * 86_400_000
"""Ticks that are older than a month are nobody's concern any more."""


class CronProblem(ValueError):  # noqa: N818 - what is wrong with a word of a file
    """The expression cannot be used; `hint` says what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Timetable:
    """A cron expression in a zone; raises CronProblem and ZoneProblem when made."""

    def __init__(self, cron: str, timezone: str) -> None:
        self.zone: Final = zone_of(timezone)
        self._cron = checked(cron)
        self.by_wall_clock: Final = _names_hours(self._cron)

    def after(self, ms: int) -> Iterator[Firing]:
        """Every tick strictly after a moment, in order; it ends where nothing comes for fifty years."""
        last = ms
        for firing in self._by_wall(ms) if self.by_wall_clock else self._by_instant(ms):
            if firing.at > last:  # what a clock that is put forward skips comes as one tick
                last = firing.at
                yield firing

    def between(self, after_ms: int, until_ms: int) -> list[Firing]:
        """The ticks after one moment, up to and with another."""
        found = []
        for firing in self.after(max(after_ms, until_ms - LOOK_BACK_MS)):
            if firing.at > until_ms:
                break
            found.append(firing)
        return found

    def next_after(self, ms: int) -> Firing | None:
        """The next tick; None: it never fires again."""
        return next(self.after(ms), None)

    def local(self, ms: int) -> str:
        """A moment on the wall clock, to the minute."""
        return local_minute(datetime.fromtimestamp(ms / 1000, tz=self.zone))

    @cached_property
    def often(self) -> bool:
        """Whether it fires more than once on some day, of the days that are looked at."""
        found = list(islice(self.after(_MONDAY_MS), 40))
        return len({firing.date for firing in found}) < len(found)

    def _by_wall(self, ms: int) -> Iterator[Firing]:
        start = datetime.fromtimestamp(ms / 1000, tz=self.zone).replace(tzinfo=None) - MARGIN
        for wall in CronSim(self._cron, start):
            local = wall.strftime("%Y-%m-%dT%H:%M")
            yield Firing(local, _instant_ms(wall, self.zone), local)

    def _by_instant(self, ms: int) -> Iterator[Firing]:
        start = datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(self.zone)
        for moment in CronSim(f"0 {self._cron}", start):
            at = int(moment.timestamp() * 1000)
            key = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
            yield Firing(key, at, self.local(at))


def checked(cron: str) -> str:
    """The expression with single spaces; raises CronProblem, also for one that never fires."""
    words = cron.split()
    if cron.strip().startswith("@"):
        same = MACROS.get(cron.strip().lower())
        raise CronProblem(f'"{cron.strip()[:40]}" is no expression', f'write "{same}"' if same else _FORM)
    if len(words) != len(FIELDS):
        raise CronProblem(f"it has {len(words)} fields, and {len(FIELDS)} are needed", _FORM)
    for place, (word, name) in enumerate(zip(words, FIELDS, strict=True)):
        alone = ["*"] * len(FIELDS)
        alone[place] = word
        if _why_not(" ".join(alone)) is not None:
            raise CronProblem(f'the {name} "{word[:40]}" cannot be read', _FORM)
    text = " ".join(words)
    if _why_not(text) is not None or next(CronSim(text, _MONDAY), None) is None:
        raise CronProblem(f'"{text}" never fires: no day is like that', "change the day or the month")
    return text


def _why_not(cron: str) -> str | None:
    try:
        CronSim(cron, _MONDAY)
    except (CronSimError, ValueError, AssertionError) as error:
        return str(error) or "it cannot be read"
    return None


def _names_hours(cron: str) -> bool:
    """Whether the hour field names hours of the clock on the wall, and not all of them."""
    field = cron.split()[1]
    if "*" in field or "/" in field:
        return False
    return len(CronSim(cron, _MONDAY).hours) < _HOURS


def _instant_ms(wall: datetime, zone: ZoneInfo) -> int:
    """When the clock on the wall shows this for the first time; where it skips it, the end of what it
    skips.
    """
    shown = wall.replace(tzinfo=zone)
    while shown.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
        shown = wall.replace(tzinfo=zone)
    return int(shown.timestamp() * 1000)


_HOURS: Final = 24
_FORM: Final = 'write minute, hour, day, month, day of the week, such as "30 2 * * *" for 02:30 every night'
_MONDAY: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - a time on the wall
_MONDAY_MS: Final = int(_MONDAY.replace(tzinfo=UTC).timestamp() * 1000)
