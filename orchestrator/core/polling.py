"""When to look at a task: first when its model's observed latency says a result is likely, then in steps that grow
with the time already waited, so that a straggler costs few requests.
"""

from collections.abc import Callable
from typing import Final

STEP_SHARE: Final = 0.1
"""The next look is a tenth of the elapsed time later: the expected delay stays a twentieth of the latency."""

JITTER_SHARE: Final = 0.2
FIRST_LOOK_SHARE: Final = 0.9
"""A little before the observed tenth percentile, so that the estimate can also move down."""


def first_look_seconds(p10_seconds: float, *, minimum: float, maximum: float) -> float:
    """How long after acceptance to look first."""
    return max(minimum, min(maximum, p10_seconds * FIRST_LOOK_SHARE))


def next_look_seconds(
    elapsed_seconds: float, *, minimum: float, maximum: float, uniform: Callable[[float, float], float]
) -> float:
    """How long to wait after a look that found the task still running, jittered so that looks spread out."""
    step = max(minimum, min(maximum, elapsed_seconds * STEP_SHARE))
    return step * uniform(1 - JITTER_SHARE, 1 + JITTER_SHARE)


def quantile(ordered: list[int], share: float) -> int:
    """The value below which `share` of an ordered, non-empty list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
