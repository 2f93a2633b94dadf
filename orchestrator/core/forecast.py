"""What a month will come to: what counts already, what waits, and what usually comes. Pure.

With schedules, what usually comes is the median of the last ticks' cost for each tick that is still to fire:
a night that changed nothing costs nothing, so a mean says little. Without one it is what the last days cost.
What waits is part of what a usual day spends, so without a schedule the larger of the two counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

DAY_MS: Final = 86_400_000
SAMPLES_MIN: Final = 3
"""With fewer ticks or days than these, nothing is foretold."""

SAMPLES: Final = 7
TICKS_MAX: Final = 20_000
LOOKED_UP: Final = 2_000
"""So many ticks of a schedule are foretold by its own times, at 12 to 35 microseconds each."""

TICKS, DAYS, LITTLE = "ticks", "days", "not enough history"


@dataclass(frozen=True, slots=True)
class Series:
    """A schedule: when its last ticks were and what they cost, oldest first, and when its next ones are."""

    past: Sequence[tuple[int, int]]  # ms, micros
    coming: Sequence[int]  # ms


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one scope in one window; in micros and ms."""

    now: int
    end: int  # of the window
    committed: int  # spent, held and refunds due
    queued: int  # prices of waiting jobs that may still start in it
    paid_failures: tuple[int, int] = (0, 0)  # of so much that was spent of late, and how much in all
    series: Sequence[Series] = ()
    days: Sequence[int] = ()  # what each of the last days cost, with nothing between as 0
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a window will come to; in micros. Without enough history there are no percentiles."""

    committed: int
    queued: int
    p50: int | None
    p90: int | None
    basis: str  # ticks | days | not enough history
    cap_reached_at: int | None = None  # ms


def forecast(facts: Facts) -> Forecast:
    """Foretell one window."""
    failed, spent = facts.paid_failures
    queued = facts.queued + (facts.queued * failed // spent if spent > 0 else 0)
    steps, basis = _steps(facts)
    if basis == LITTLE:
        at = facts.now if facts.cap is not None and facts.committed + queued > facts.cap else None
        return Forecast(facts.committed, facts.queued, None, p90=None, basis=basis, cap_reached_at=at)
    usual, dear = sum(low for _, low, _ in steps), sum(high for _, _, high in steps)
    return Forecast(
        committed=facts.committed,
        queued=facts.queued,
        p50=facts.committed + _with(queued, usual, basis),
        p90=facts.committed + _with(queued, dear, basis),
        basis=basis,
        cap_reached_at=_reached(facts, queued, steps, basis=basis),
    )


def _with(queued: int, coming: int, basis: str) -> int:
    return queued + coming if basis == TICKS else max(queued, coming)


def _steps(facts: Facts) -> tuple[list[tuple[int, int, int]], str]:
    """When more is spent, and how much: usually, and at the ninetieth percentile."""
    if facts.series:
        fires = [one for one in facts.series if one.coming]
        if any(len(one.past) < SAMPLES_MIN for one in fires):
            return [], LITTLE
        found = []
        for one in fires:
            costs = [cost for _, cost in one.past[-SAMPLES:]]
            low, high = percentile(costs, 50), percentile(costs, 90)
            found += [(at, low, high) for at in one.coming if facts.now <= at < facts.end]
        return sorted(found), TICKS
    if len(facts.days) < SAMPLES_MIN:
        return [], LITTLE
    low, high = sum(facts.days) // len(facts.days), percentile(facts.days, 90)
    found = []
    at = facts.now
    while at < facts.end and len(found) < TICKS_MAX:
        part = min(DAY_MS, facts.end - at)
        at += part
        found.append((at, low * part // DAY_MS, high * part // DAY_MS))
    return found, DAYS


def _reached(facts: Facts, queued: int, steps: Iterable[tuple[int, int, int]], *, basis: str) -> int | None:
    """When the usual course passes the cap; None: not in the window."""
    if facts.cap is None:
        return None
    if facts.committed + queued > facts.cap:
        return facts.now
    coming = 0
    for at, low, _ in steps:
        coming += low
        if facts.committed + _with(queued, coming, basis) > facts.cap:
            return at
    return None


def percentile(values: Sequence[int], share: int) -> int:
    """The median, or the value that so many per cent of them do not exceed."""
    ordered = sorted(values)
    if share == 50:  # noqa: PLR2004 - the median lies between two
        return int(median(ordered))
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def continued(ticks: Sequence[int], end: int) -> list[int]:
    """Ticks that were looked up, in order; where they are `LOOKED_UP`, more of them follow before `end`, as
    far apart as those are in the mean.
    """
    if len(ticks) < LOOKED_UP:
        return list(ticks)
    step = max(60_000, (ticks[-1] - ticks[0]) // (len(ticks) - 1))
    return [*ticks, *range(ticks[-1] + step, end, step)][:TICKS_MAX]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a cap lets through until the window ends: what it has left now, and as much again each period."""

    left: int
    again: int = 0  # a day cap, for each day after today
    times: int = 0

    @property
    def micros(self) -> int:
        """All of it."""
        return self.left + self.again * self.times


def may_start(wanted: int, bounds: Iterable[Bound]) -> int:
    """How much of what waits may still start under all of these caps."""
    return max(0, min([wanted, *(bound.micros for bound in bounds)]))
