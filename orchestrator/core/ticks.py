"""Ticks of schedules, as values, and what is decided about them.

A tick is one firing of a schedule. Its key says which one it is, whatever clocks and workers do: the local
date and time of a schedule by the wall clock, the instant in UTC of any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from orchestrator.core.states import TICK_BUSY, TickEvent, TickState

HOUR_MS: Final = 3_600_000
MAX_AGE_MS: Final = 12 * HOUR_MS
"""How late the newest tick may still begin, where a manifest does not say."""

MAX_AGE_ALL_MS: Final = 7 * 24 * HOUR_MS
"""The same where every missed tick is caught up."""

CAUGHT_UP_MAX: Final = 7
"""At most so many ticks are caught up one after another: each may spend."""

STUCK_MS: Final = 600_000
"""A tick whose work is stopped for a person ends after ten minutes: most such stops end sooner."""


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


def caught_up(found: Sequence[Firing], now: int, words: ScheduleWords) -> tuple[list[Firing], list[Firing]]:
    """Of the ticks whose time has come since somebody last looked, oldest first: those to be made, and those
    that are missed.
    """
    young = [firing for firing in found if now - firing.at <= words.max_age_ms]
    wanted = young[-CAUGHT_UP_MAX:] if words.catch_up is CatchUp.ALL else young[-1:]
    keys = {firing.key for firing in wanted}
    return wanted, [firing for firing in found if firing.key not in keys]


@dataclass(frozen=True, slots=True)
class OpenTick:
    """A tick from which something still becomes."""

    id: int
    at: int
    due_at: int
    kind: TickKind
    state: TickState
    queued: bool = False  # it waits for an earlier one to end
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """What is decided about one open tick; without an event it goes on waiting."""

    tick: OpenTick
    event: TickEvent | None
    reason: str | None = None


def admissions(ticks: Sequence[OpenTick], now: int, words: ScheduleWords) -> list[Admission]:
    """What becomes of the open ticks of one schedule, of which at most one may begin.

    Only a schedule's own ticks count: another schedule, or a person's run, is nobody's overlap. What a person
    asked for is never skipped; it waits.
    """
    due = sorted(
        (t for t in ticks if t.state is TickState.DUE and t.due_at <= now), key=lambda t: (t.at, t.id)
    )
    found = []
    scheduled = [tick for tick in due if tick.kind is TickKind.SCHEDULED]
    newest = scheduled[-1].id if scheduled else 0
    for tick in scheduled:
        spared = tick.queued or tick.approved
        if words.catch_up is CatchUp.LATEST and tick.id != newest:
            event = TickEvent.REPLACED if spared else TickEvent.OVERTAKEN
            found.append(Admission(tick, event, "overtaken"))
        elif now - tick.at > words.max_age_ms and not spared:
            found.append(Admission(tick, TickEvent.OVERTAKEN, "too_old"))
    gone = {admission.tick.id for admission in found}
    due = [tick for tick in due if tick.id not in gone]
    if not due:
        return found
    if any(tick.state in TICK_BUSY for tick in ticks):
        return found + [_overlapping(tick, words) for tick in due]
    first = due[0]
    waiting = [tick for tick in ticks if tick.state is TickState.WAITING_APPROVAL and tick.at < first.at]
    found += [Admission(tick, TickEvent.REPLACED, "overtaken") for tick in waiting]
    return [*found, Admission(first, TickEvent.TAKEN)]


def _overlapping(tick: OpenTick, words: ScheduleWords) -> Admission:
    is_skipped = (
        tick.kind is TickKind.SCHEDULED
        and words.overlap is Overlap.SKIP
        and words.catch_up is CatchUp.LATEST
        and not tick.approved
    )
    return Admission(tick, TickEvent.SKIPPED if is_skipped else None, "overlap" if is_skipped else "queued")


@dataclass(frozen=True, slots=True)
class TickWork:
    """Where the run of a tick stands."""

    moving: bool  # something of it goes on by itself
    waiting: int  # jobs that are not begun
    failed: int
    succeeded: int
    in_doubt: int  # doubts that wait for a person
    capped: bool  # what waits does not fit under a cap, and nothing else stops it
    stuck_ms: int = 0  # for so long nothing of it has gone on by itself


@dataclass(frozen=True, slots=True)
class TickEnd:
    """How a tick ends."""

    event: TickEvent
    reason: str | None
    code: int  # the exit code that `run` would have had
    counts: bool = False  # as a failure, for `pause_after_failures`


def end_of(work: TickWork) -> TickEnd | None:
    """How a tick ends; None while it does not.

    A cap that is reached is no failure: it was the plan. A stop that needs a person is one, when it lasts.
    """
    if work.moving:
        return None
    nothing = work.succeeded == 0
    if work.in_doubt or (work.waiting and not work.capped):
        if work.stuck_ms < STUCK_MS:
            return None
        event = TickEvent.FAILED if nothing else TickEvent.ENDED
        return TickEnd(event, "in_doubt" if work.in_doubt else "stopped", 5, counts=True)
    if work.waiting:
        return TickEnd(TickEvent.ENDED, "cap", 4)
    if work.failed and nothing:
        return TickEnd(TickEvent.FAILED, "nothing_stored", 3, counts=True)
    return TickEnd(TickEvent.ENDED, "some_failed" if work.failed else None, 3 if work.failed else 0)
