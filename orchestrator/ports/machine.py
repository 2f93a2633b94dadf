"""Time, chance, and the end of a process."""

from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Time. `orchestrator.runtime.clock.SystemClock` is the real one."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let others run for `seconds`."""
        ...


class Entropy(Protocol):
    """Chance. `orchestrator.runtime.clock.SystemEntropy` is the real one."""

    def token(self) -> str:
        """32 hex digits."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        ...


Crashpoint = Callable[[str], None]
"""Called with a name at each named crash point; a no-op in production, a kill in tests."""


def no_crash(_name: str) -> None:
    """The production crash point: nothing happens."""
