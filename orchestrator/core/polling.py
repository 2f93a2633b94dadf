"""When to poll a task: first when its model's observed latency says that a result is likely, then in steps
that grow with the time already waited, so that the delay is at most about the same share of what a task took,
be it quick or a straggler.

The share is what polling every second, as the provider's own client does, comes to for the model's quick
tasks: nobody notices later than that client, and the polls that it wastes before anything can be done, and on
stragglers, are saved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PRECISION_SECONDS: Final = 0.7
HEAD_START_SECONDS: Final = 0.4
"""With a step of 0.7 s over (the fastest tenth's latency - 0.4 s), nineteen of twenty tasks are noticed no
later, for what they took, than with a poll every second: fitted to the shapes of latency that
`benchmarks/polling.py` draws."""

SHARE_MIN: Final = 0.02
SHARE_MAX: Final = 0.4
"""A task of minutes is not worth a poll every second, and one of a second not a guess at what comes after
three."""

JITTER_SHARE: Final = 0.1
EARLY_SHARE: Final = 0.83
"""The share of the observed tenth percentile before which very few tasks have ended."""

UNSEEN_SHARE: Final = 0.7
"""A task that had ended by its first poll is taken to have ended then: early enough that the next first
polls come earlier when this happens often, so that an estimate which is too late corrects itself."""


@dataclass(frozen=True, slots=True)
class TypicalLatency:
    """How long a model's tasks take from acceptance to completion, as far as is known."""

    early_seconds: float  # hardly any has ended before
    fast_seconds: float  # the fastest tenth has ended by then

    @property
    def step_share(self) -> float:
        """A step between polls as a share of the time already waited."""
        return max(
            SHARE_MIN, min(SHARE_MAX, PRECISION_SECONDS / max(self.fast_seconds - HEAD_START_SECONDS, 0.001))
        )


def first_look_seconds(
    typical: TypicalLatency, *, minimum: float, maximum: float, uniform: Callable[[float, float], float]
) -> float:
    """How long after acceptance to poll first: one step after the earliest results.

    `minimum` and `maximum` are the shortest and longest steps between later polls; the first poll may come
    five times earlier or six times later than those, since it waits on purpose.
    """
    planned = typical.early_seconds * (1 + typical.step_share)
    return max(minimum / 5, min(maximum * 6, planned)) + uniform(0.0, minimum / 5)


def next_look_seconds(
    elapsed_seconds: float,
    typical: TypicalLatency,
    *,
    minimum: float,
    maximum: float,
    uniform: Callable[[float, float], float],
) -> float:
    """How long to wait after a poll that found the task still running, jittered so that polls spread out."""
    step = max(minimum, min(maximum, elapsed_seconds * typical.step_share))
    return step * uniform(1 - JITTER_SHARE, 1 + JITTER_SHARE)


def estimated_latency(ended_by: int, running_at: int, inference: int | None) -> int:
    """When a task ended, in the unit of the arguments: it was last seen running at `running_at` (0:
    never), had ended at `ended_by`, and the provider may say how long it worked, which leaves out how long
    it waited in line.
    """
    if inference:
        return max(running_at, min(ended_by, inference))
    return (running_at + ended_by) // 2 if running_at else int(ended_by * UNSEEN_SHARE)


def quantile(ordered: list[int], share: float) -> int:
    """The value below which `share` of an ordered, non-empty list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
