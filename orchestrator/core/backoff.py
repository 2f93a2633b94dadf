"""Delays between tries: capped exponential, full jitter."""

from collections.abc import Callable


def backoff_seconds(
    tries: int, *, base_seconds: float, cap_seconds: float, uniform: Callable[[float, float], float]
) -> float:
    """A random delay between 0 and `base * 2**(tries - 1)`, at most the cap; `tries` counts from 1.

    Full jitter, because jobs that failed together must not come back together.
    """
    doublings = min(max(tries, 1) - 1, 62)  # beyond this every cap has long been reached
    return uniform(0.0, min(cap_seconds, base_seconds * 2.0**doublings))
