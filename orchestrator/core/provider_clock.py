"""How far the provider's clock is from ours, measured from its own answers.

An answer is dated between our sending the request and our having the answer, so each one bounds the offset
from both sides. Two kinds of dates are kept apart: `created_at` of a task that was accepted just now is what
the provider's list shows, and what a window is compared with; the `Date` of an answer has whole seconds, and
a proxy between may have written it. So windows are narrowed by tasks alone; whether our clock is right at all
is judged by tasks, and by most of the dates where there are none.

A measurement counts for what happened since our clock was last seen to be steady: when it is set, or stands
still while a machine sleeps, it goes apart from the monotonic clock, and measuring begins again.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from orchestrator.core.relation import SKEW_MS, WHOLE_SECOND_MS

STEP_MS: Final = 400
"""Our clock was set when it went apart from the monotonic clock by more than this between two looks."""

MARGIN_MS: Final = 150
"""What is added to each side of a measured offset: clocks drift, and tasks are dated by several machines."""

SAMPLES_MAX: Final = 32
NEWEST: Final = 5
"""Where tasks contradict each other, so many of the last ones tell what time it is now."""

AGREEING_MIN: Final = 3
"""So many dates must agree before they say that our clock is wrong."""


class DatedBy(Enum):
    """What a date of the provider's is of."""

    TASK = "created_at of a task that was just accepted"
    ANSWER = "the Date of an answer"


class Instant(NamedTuple):
    """One moment by both of our clocks. (A tuple, since every answer of the provider makes two.)"""

    wall_ms: int
    monotonic: float  # seconds

    @property
    def apart_ms(self) -> float:
        """What the wall clock shows beyond the monotonic one: the same until it is set."""
        return self.wall_ms - self.monotonic * 1000


class Offset(NamedTuple):
    """The provider's clock shows so much more than ours: at least, and at most (ms)."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        """The best guess."""
        return (self.low + self.high) // 2


UNMEASURED: Final = Offset(-SKEW_MS, SKEW_MS)


class ProviderClock:
    """Collects dates. `jitter_ms` is how far our own wall clock may be off that of the database, which dates
    what we sent.
    """

    def __init__(self, jitter_ms: int = 0) -> None:
        self._jitter_ms = jitter_ms
        self._apart_ms: float | None = None
        self._latest_ms = 0  # the wall clock showed, at any look
        self._steady_since = 0
        self._samples = {kind: deque[Offset](maxlen=SAMPLES_MAX) for kind in DatedBy}

    def look(self, now: Instant) -> None:
        """Notice whether our clock was set since the last look.

        One that was set back shows times again that it has shown before: which of the two a time is from is
        not known, so none of them counts as measured.
        """
        if self._apart_ms is None or abs(now.apart_ms - self._apart_ms) > self._tolerance_ms:
            self._steady_since = max(now.wall_ms, self._latest_ms + 1)
            for samples in self._samples.values():
                samples.clear()
        self._apart_ms = now.apart_ms
        self._latest_ms = max(self._latest_ms, now.wall_ms)

    def note(self, kind: DatedBy, shown_ms: int, sent: Instant, received: Instant) -> None:
        """Take the date of an answer that came at `received` to a request that left at `sent`."""
        if self._apart_ms is None:
            self.look(sent)
        self.look(received)
        if abs(received.apart_ms - sent.apart_ms) > self._tolerance_ms or received.wall_ms < sent.wall_ms:
            return
        is_whole = kind is DatedBy.ANSWER or shown_ms % WHOLE_SECOND_MS == 0
        later = WHOLE_SECOND_MS - 1 if is_whole else 0
        self._samples[kind].append(Offset(shown_ms - received.wall_ms, shown_ms + later - sent.wall_ms))

    @property
    def _tolerance_ms(self) -> int:
        return STEP_MS + self._jitter_ms

    def offset(self) -> Offset | None:
        """How far it is off now, as well as is known; None before enough was heard."""
        tasks, dates = (self._samples[kind] for kind in DatedBy)
        return (common(tasks) or agreed([*tasks][-NEWEST:])) if tasks else agreed(dates)

    def window(self, sent_at: int, now: Instant) -> Offset:
        """The offset for what was sent at `sent_at`, to compare with times of tasks: as wide as clocks may
        ever differ, unless our clock was steady since then and all tasks agree.
        """
        self.look(now)
        tasks = self._samples[DatedBy.TASK]
        measured = common(tasks)
        if not tasks or sent_at < self._steady_since or measured is None or _is_off(measured):
            return UNMEASURED
        margin = MARGIN_MS + self._jitter_ms
        return Offset(measured.low - margin, measured.high + margin)

    def is_suspicious(self, bound_ms: int) -> bool:
        """Whether any date says that the clocks are further apart, be it right or not."""
        return any(
            one.low > bound_ms or one.high < -bound_ms
            for samples in self._samples.values()
            for one in samples
        )

    def wrong_by_ms(self, bound_ms: int) -> int | None:
        """By how much the provider's clock is ahead of ours (negative: behind), when that is certainly more
        than the bound; None when it is not, or is not known.
        """
        found = self.offset()
        if found is None or (found.low <= bound_ms and found.high >= -bound_ms):
            return None
        return found.middle


def common(samples: Sequence[Offset]) -> Offset | None:
    """What all samples have in common; None when there is no sample, or they contradict each other."""
    if not samples:
        return None
    low, high = max(one.low for one in samples), min(one.high for one in samples)
    return Offset(low, high) if low <= high else None


def agreed(samples: Sequence[Offset]) -> Offset | None:
    """What most samples have in common, if those are enough: one that is wrong changes nothing."""
    best: Sequence[Offset] = ()
    for one in samples:
        around = [other for other in samples if other.low <= one.high and one.low <= other.high]
        if len(around) > len(best) and common(around) is not None:
            best = around
    enough = len(best) >= AGREEING_MIN and len(best) * 2 > len(samples)
    return common(best) if enough else None


def _is_off(measured: Offset) -> bool:
    return measured.low < -SKEW_MS or measured.high > SKEW_MS
