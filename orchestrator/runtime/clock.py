"""The real clock, ids and randomness: the only place that may ask the machine for them."""

import asyncio
import random
import secrets
import time


class SystemClock:
    """Wall time for storage, monotonic time for durations."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for `seconds`."""
        await asyncio.sleep(seconds)


class SystemEntropy:
    """Random ids and jitter."""

    def __init__(self) -> None:
        self._random = random.Random()  # noqa: S311 - jitter, not secrets

    def token(self) -> str:
        """32 hex digits nobody can guess."""
        return secrets.token_hex(16)

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`, for jitter."""
        return self._random.uniform(low, high)
