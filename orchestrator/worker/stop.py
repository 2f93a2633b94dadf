"""Stopping a worker: Ctrl-C, a drained queue and a fatal error all raise one level."""

import asyncio
from enum import IntEnum


class StopLevel(IntEnum):
    """How much still goes on."""

    RUNNING = 0
    FINISHING = 1  # nothing new is submitted; what is in flight is collected
    HANDING_OVER = 2  # requests and downloads under way are finished; tasks in flight are not waited for
    LEAVING = 3  # leases are given back; what is in flight is left to the next worker


class Stop:
    """A level that only rises. A person's first request finishes what is in flight, a supervisor's hands it
    over; a second one leaves now.
    """

    def __init__(self) -> None:
        self.level = StopLevel.RUNNING
        self.by_user = False
        self._changed = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether nothing new is to be begun."""
        return self.level > StopLevel.RUNNING

    def request(self, *, by_user: bool = True) -> StopLevel:
        """Ask once more; returns the level this led to."""
        self.by_user = self.by_user or by_user
        return self.raise_to(StopLevel.LEAVING if self.stopping else StopLevel.FINISHING)

    def hand_over(self) -> StopLevel:
        """Ask as a supervisor does, which kills what has not ended soon; returns the level this led to."""
        self.by_user = True
        again = self.level >= StopLevel.HANDING_OVER
        return self.raise_to(StopLevel.LEAVING if again else StopLevel.HANDING_OVER)

    def raise_to(self, level: StopLevel) -> StopLevel:
        """Go at least to `level`."""
        if level > self.level:
            self.level = level
            self._changed.set()
        return self.level

    async def wait_for(self, level: StopLevel) -> None:
        """Return when at least `level` is reached."""
        while self.level < level:
            self._changed.clear()
            await self._changed.wait()
