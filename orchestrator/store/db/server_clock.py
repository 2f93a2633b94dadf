"""One clock for all workers: where the database is a server, its clock sets the wall time of each worker.

Clocks of hosts differ, and a lease, a pause or an age that one host wrote is read by another. So a worker
uses this clock, which follows the database server's. With SQLite it is the given clock.
"""

from typing import Final

from orchestrator.ports import Clock

STEADY_MS: Final = 500
"""Differences up to this are not corrected: answers take varying time, and a clock that is corrected every
time would jump backwards."""


class ServerClock:
    """A clock whose wall time follows what `observe` reports; durations and sleeps are the given clock's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = 0

    def now_ms(self) -> int:
        """Milliseconds since the epoch by the database's clock, within half a second."""
        return self._clock.now_ms() + self._ahead_ms

    def observe(self, server_ms: int) -> None:
        """Take `server_ms` as the time now, read from the database server."""
        ahead_ms = server_ms - self._clock.now_ms()
        if abs(ahead_ms - self._ahead_ms) > STEADY_MS:
            self._ahead_ms = ahead_ms

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for `seconds`."""
        await self._clock.sleep(seconds)
