"""When a POST leaves: not too long after its intent, and counted in the minute in which it may have arrived."""

from collections.abc import Callable
from typing import Final

from orchestrator.ports import Clock
from orchestrator.store.limits import LEAVES_WITHIN_MS, TRANSIT_MS

SENT_WITHIN_MS: Final = 5_000
"""How long after its intent a POST may leave at all."""


class Departure:
    """Of one POST, from the moment in which its intent is about to be made durable.

    A worker that was suspended for longer (a frozen machine, a stopped process) may have lost the attempt: others doubt
    it, prove that nothing was created, and send again. What wakes up then must not send too.

    One that leaves late, but not too late, would crowd the minute after the one it was granted in, so it is counted in
    its own instead. One whose answer comes late may have reached the provider at any time before that.
    """

    def __init__(self, clock: Clock, *, lease_ms: int, late: Callable[[], None]) -> None:
        self._clock = clock
        self._limit_ms = min(SENT_WITHIN_MS, lease_ms // 2)
        self._late = late
        self._left: float | None = None
        self._began, self._began_at = clock.monotonic(), clock.now_ms()

    def may_leave(self) -> bool:
        """Asked at the last moment before the first byte; the POST leaves if the answer is yes."""
        # Either clock may stand still while a machine sleeps, so both have to agree.
        elapsed_ms = (self._clock.monotonic() - self._began) * 1000
        if elapsed_ms > self._limit_ms or not 0 <= self._clock.now_ms() - self._began_at <= self._limit_ms:
            return False
        if elapsed_ms > LEAVES_WITHIN_MS:
            self._late()
        self._left = self._clock.monotonic()
        return True

    def answered(self) -> None:
        """The answer is here, or is known not to come."""
        if self._left is not None and (self._clock.monotonic() - self._left) * 1000 > TRANSIT_MS:
            self._late()
