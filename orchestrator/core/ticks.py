"""Ticks of schedules, as values. What is decided about them: `tick_decisions`.

A tick is one firing of a schedule. Its key says which one it is, whatever clocks and workers do: the local
date and time of a schedule by the wall clock, the instant in UTC of any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

HOUR_MS: Final = 3_600_000
MAX_AGE_MS: Final = 12 * HOUR_MS
"""How late the newest tick may still begin, where a manifest does not say."""

MAX_AGE_ALL_MS: Final = 7 * 24 * HOUR_MS
"""The same where every missed tick is caught up."""


class Overlap(StrEnum):
    """What becomes of a tick while an earlier one of its schedule is still at work."""

    SKIP = "skip"
    QUEUE = "queue"  # it waits, and the newest that waits wins


class CatchUp(StrEnum):
    """Which of the ticks are made that nobody was there for."""

    LATEST = "latest"
    ALL = "all"  # oldest first, one at a time


class WhenShort(StrEnum):
    """What becomes of a tick whose work does not fit under the caps."""

    PARTIAL = "partial"  # what fits is made, every product before any has a second picture
    SKIP = "skip"


class TickKind(StrEnum):
    """Why a tick is there."""

    SCHEDULED = "scheduled"
    RUN_NOW = "run_now"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Firing:
    """One moment at which a schedule fires."""

    key: str
    at: int  # ms
    local: str  # in the schedule's zone, as on the wall: 2026-11-28T02:30; an hour's second pass ends in -2

    @property
    def date(self) -> str:
        """What `{{ date }}` gives."""
        return self.local[:10]

    @property
    def word(self) -> str:
        """What `{{ tick }}` gives: fit for a run key and a file's name."""
        return tick_word(self.local)


def tick_word(local: str) -> str:
    """`2026-11-28T02-30` for a local date and time."""
    return local.replace(":", "-")


Dating = Callable[[str | None], str]
"""The local date and time behind `{{ date }}` and `{{ tick }}`, in the zone of a schedule (None: there is
none), such as 2026-11-28T02:30."""


def dated(day: str) -> Dating:
    """The beginning of a day, wherever it is."""
    return lambda _zone: f"{day}T00:00"


@dataclass(frozen=True, slots=True)
class ScheduleWords:
    """What `schedule:` in a manifest says. Times in ms, money in micros."""

    cron: str
    timezone: str
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LATEST
    max_age_ms: int = MAX_AGE_MS
    budget_micros: int | None = None  # of each tick
    jitter_ms: int = 0
    pause_after_failures: int | None = None
    when_short: WhenShort = WhenShort.PARTIAL
    ping: str | None = None  # an address that hears of each tick's start and end

    def settings(self) -> dict[str, object]:
        """What is kept beside the expression and the zone, as JSON has it."""
        return {
            "overlap": self.overlap.value,
            "catch_up": self.catch_up.value,
            "max_age_ms": self.max_age_ms,
            "budget_micros": self.budget_micros,
            "jitter_ms": self.jitter_ms,
            "pause_after_failures": self.pause_after_failures,
            "when_short": self.when_short.value,
            "ping": self.ping,
        }


def words_from(cron: str, timezone: str, settings: dict[str, object]) -> ScheduleWords:
    """The words again, from what was kept."""
    kept: dict[str, object] = dict(settings)
    for name, enum in (("overlap", Overlap), ("catch_up", CatchUp), ("when_short", WhenShort)):
        if name in kept:
            kept[name] = enum(str(kept[name]))
    return ScheduleWords(cron, timezone, **kept)  # type: ignore[arg-type] # as `settings` wrote them


def jitter_of(schedule: str, key: str, jitter_ms: int) -> int:
    """How many ms after its time a tick begins: always the same for one tick, whoever asks."""
    if jitter_ms <= 0:
        return 0
    return int.from_bytes(sha256(f"{schedule}\n{key}".encode()).digest()[:8]) % jitter_ms
