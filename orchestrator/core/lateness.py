"""When a task that has not ended is handed to a person, instead of being waited for as if nothing were wrong.

A task counts as overdue when it is far older than its model's slowest tasks, and never before a floor that
the settings give. When the provider's answers about it are odd (a status that is no word of its, a refusal, a
page that cannot be read), nothing is known of how long it may take, so the floor alone counts, once that was
so several times in a row. It may still end by itself, and is polled on, slowly.
"""

import math
from dataclasses import dataclass
from typing import Final

FACTOR: Final = 10
"""How many times its model's p99 a task may be old."""

LOOKS_MIN: Final = 3
"""So many odd answers in a row say something about the task, fewer about the network."""

_TAIL_EXPONENT: Final = 0.414
"""Of latencies that are log-normal, p99 is p95 times (p95 / p50) to this power: 2.326 / 1.645 - 1, from the
quantiles of the normal distribution."""

GUESSED_SLOWEST: Final = 4.0
"""Before enough is observed, p99 is taken to be so many times the catalogue's typical latency."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the polls of one task have shown, up to the latest answer."""

    age_seconds: float  # since it was accepted
    odd_in_a_row: int  # 0 when the latest answer was as documented


def slowest_seconds(p50_seconds: float, p95_seconds: float) -> float:
    """The 99th percentile, estimated from these two."""
    if p50_seconds <= 0:
        return p95_seconds
    return p95_seconds * math.pow(max(1.0, p95_seconds / p50_seconds), _TAIL_EXPONENT)


def overdue_after_seconds(slowest: float, floor: float) -> float:
    """The age from which a task counts as overdue, when the provider says that it runs."""
    return max(floor, FACTOR * slowest)


def is_overdue(answers: Answers, *, slowest: float, floor: float) -> bool:
    """Whether a person should ask the provider about the task."""
    if answers.odd_in_a_row >= LOOKS_MIN and answers.age_seconds >= floor:
        return True
    return answers.age_seconds >= overdue_after_seconds(slowest, floor)
