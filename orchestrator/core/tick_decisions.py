"""What is decided about ticks: which are caught up, which begins, how one ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.states import TICK_BUSY, TickEvent, TickState
from orchestrator.core.ticks import CatchUp, Firing, Overlap, ScheduleWords, TickKind

CAUGHT_UP_MAX: Final = 7
"""At most so many ticks are caught up one after another: each may spend."""

STUCK_MS: Final = 600_000
"""A tick whose work is stopped for a person ends after ten minutes: most such stops end sooner."""


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
    begun: bool = False  # a worker died over it: its run may exist, so it is gone on with


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
    scheduled = [tick for tick in due if tick.kind is TickKind.SCHEDULED and not tick.begun]
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
        and not tick.begun
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
    capped: bool  # what waits does not fit under a cap, or its time is over, and nothing else stops it
    over_time: bool = False  # its time is over (`finish_by`)
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
        return TickEnd(TickEvent.ENDED, "finish_by" if work.over_time else "cap", 4)
    if work.failed and nothing:
        return TickEnd(TickEvent.FAILED, "nothing_stored", 3, counts=True)
    return TickEnd(TickEvent.ENDED, "some_failed" if work.failed else None, 3 if work.failed else 0)
