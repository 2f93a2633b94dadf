"""Whose download is next: the oldest task first, because its pictures are deleted first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.store.stops.expiring import NEAR_MS


class DownloadTurns:
    """Gives turns to downloads."""

    def __init__(self, at_one_time: int) -> None:
        self._free = at_one_time
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()
        self._wanted: dict[int, int] = {}  # by number: when the task was accepted (ms)

    @asynccontextmanager
    async def turn(self, accepted_at: int) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        number = next(self._number)
        self._wanted[number] = accepted_at
        try:
            await self._take(accepted_at, number)
            try:
                yield
            finally:
                self._give()
        finally:
            del self._wanted[number]

    def pressed(self, now_ms: int) -> bool:
        """Whether some download that waits or goes on is so old that the provider soon deletes its picture:
        nothing new should be bought before it is here.
        """
        return any(accepted_at <= now_ms - RETENTION_MS + NEAR_MS for accepted_at in self._wanted.values())

    async def _take(self, accepted_at: int, number: int) -> None:
        if self._free:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (accepted_at, number, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._give()  # the turn came in the moment in which nobody wanted it any more
            raise

    def _give(self) -> None:
        while self._waiting:
            _, _, other = heappop(self._waiting)
            if not other.done():
                other.set_result(None)
                return
        self._free += 1
