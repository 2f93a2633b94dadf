"""Virtual time and seeded chance: nothing in a test sleeps, and every test is repeatable."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
START_MS = 1_795_348_800_000  # 2026-11-22T12:00:00Z
HOUR = 3600.0
TURNS_MAX = 100_000


class FakeClock:
    """A clock that moves when told to, or, inside `run_virtual`, to the next moment somebody waits for."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self._start_ms = start_ms
        self._seconds = 0.0

    def now_ms(self) -> int:
        return self._start_ms + int(self._seconds * 1000 + 1e-6)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        assert seconds >= 0
        self._seconds += seconds

    def advance_ms(self, ms: int) -> None:
        """Whole milliseconds, without the drift of adding fractions."""
        self._start_ms += ms


class FakeEntropy:
    """Seeded chance: tokens that count, numbers that repeat."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, move the clock to when the next timer is due."""

    clock: FakeClock
    until: float
    turns = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        self.turns = self.turns + 1 if timeout == 0 else 0
        assert self.turns < TURNS_MAX, "the loop turns without time passing"
        if ready or timeout is None or timeout <= 0:
            assert ready or timeout is not None, "everything waits for something that nobody will do"
            return ready
        self.clock.advance(timeout)
        assert self.clock.monotonic() <= self.until, f"not done by {self.until} s of virtual time"
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a fake clock; work for threads is done at once, so that time cannot run ahead of
    it."""

    def __init__(self, clock: FakeClock, limit_seconds: float) -> None:
        selector = _JumpingSelector()
        selector.clock = clock
        selector.until = clock.monotonic() + limit_seconds
        super().__init__(selector)
        self._clock_resolution = 1e-6
        self._clock = clock

    def time(self) -> float:
        return self._clock.monotonic()

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run_virtual(clock: FakeClock, main: Coroutine[Any, Any, T], *, limit_seconds: float = 24 * HOUR) -> T:
    """Run a coroutine to its end in virtual time; AssertionError when it hangs or takes longer than the
    limit."""
    with asyncio.Runner(loop_factory=lambda: _VirtualLoop(clock, limit_seconds)) as runner:
        return runner.run(main)
