"""The account's limits, and what was really seen of rate and concurrency. Times are milliseconds."""

from collections import deque
from heapq import heappop, heappush
from typing import Final

WINDOW_MS: Final = 60_000


class SlidingWindow:
    """Weights of the last 60 s, and the largest sum that any 60 s held."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, int]] = deque()
        self._sum = 0
        self.peak = 0

    def total(self, now_ms: int) -> int:
        """The sum of what was added less than 60 s ago."""
        entries = self._entries
        while entries and entries[0][0] <= now_ms - WINDOW_MS:
            self._sum -= entries.popleft()[1]
        return self._sum

    def add(self, now_ms: int, weight: int = 1) -> None:
        """Count `weight` at this moment."""
        self._entries.append((now_ms, weight))
        self._sum += weight
        self.peak = max(self.peak, self.total(now_ms))


class Unfinished:
    """How many accepted tasks have not ended, and the most there ever were."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self.peak = 0

    def count(self, now_ms: int) -> int:
        """Accepted tasks that end later than now."""
        while self._ends and self._ends[0] <= now_ms:
            heappop(self._ends)
        return len(self._ends)

    def add(self, now_ms: int, end_ms: int) -> None:
        """A task was accepted now and will end then; one that ends at once still counts for its moment."""
        self.count(now_ms)
        heappush(self._ends, end_ms)
        self.peak = max(self.peak, len(self._ends))


class Slots:
    """Who works when, if at most so many tasks work at once and the rest wait in line.

    A task's duration is known when it is accepted, so its start is too: no timer is needed.
    """

    def __init__(self) -> None:
        self._free_at: list[int] = []

    def start_ms(self, now_ms: int, limit: int | None) -> int:
        """When a task accepted now begins; the caller then calls `occupy` with its end."""
        while self._free_at and self._free_at[0] <= now_ms:
            heappop(self._free_at)
        start = now_ms
        while limit is not None and len(self._free_at) >= max(limit, 1):
            start = heappop(self._free_at)
        return start

    def occupy(self, end_ms: int) -> None:
        """A slot is taken until then."""
        heappush(self._free_at, end_ms)
