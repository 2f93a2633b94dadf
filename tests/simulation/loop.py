"""Virtual time: an event loop that never waits. When every task sleeps, time jumps to the next timer."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
TURNS_MAX = 200_000


class HangError(AssertionError):
    """Nothing will ever happen again, or virtual time passed the limit."""


class _NeverWaits:
    """Stands where a selector stands. There are no sockets, so all it does is to move time."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def register(self, *_args: Any) -> None:
        """The loop's own wake-up pipe: nobody writes to it."""

    unregister = register

    def get_key(self, fileobj: Any) -> Any:
        raise KeyError(fileobj)

    def get_map(self) -> dict[int, Any]:
        return {}

    def close(self) -> None:
        pass

    def select(self, timeout: float | None = None) -> list[Any]:
        self._loop.turns += 1
        if self._loop.turns > self._loop.turns_max:
            raise HangError(
                f"{self._loop.turns} turns of the loop at {self._loop.now:.3f} s: something spins"
            )
        if timeout is None:
            raise HangError("every task waits for something that nobody will do")
        if timeout > 0:
            self._loop.now += timeout
            if self._loop.now > self._loop.limit:
                raise HangError(f"not done after {self._loop.limit:.0f} s of virtual time")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a number. Work for threads is done at once, in place."""

    def __init__(self, limit_seconds: float) -> None:
        self.now = 0.0
        self.turns = 0
        self.turns_max: float = TURNS_MAX
        self.limit = limit_seconds
        super().__init__(_NeverWaits(self))  # type: ignore[arg-type]
        self._clock_resolution = 1e-6
        self.set_exception_handler(lambda _loop, _context: None)  # dead workers leave exceptions behind

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run_virtual(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], limit_seconds: float) -> T:
    """Run a coroutine to its end in virtual time; HangError when it cannot end."""
    loop = VirtualLoop(limit_seconds)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        _unwind(loop)
        loop.close()


def _unwind(loop: VirtualLoop) -> None:
    """Let what a hang left behind end, so that it makes no noise."""
    loop.limit = loop.turns_max = float("inf")
    for _ in range(5):
        left = asyncio.all_tasks(loop)
        if not left:
            return
        for task in left:
            task.cancel()
        with contextlib.suppress(HangError):
            loop.run_until_complete(asyncio.wait(left))
