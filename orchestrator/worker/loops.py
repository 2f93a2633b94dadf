"""A loop is a `tick() -> delay`; only here does anything sleep."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeGuard

from orchestrator.core.errors import DatabaseError
from orchestrator.ports import Clock
from orchestrator.worker.durable import OutageBackoff

Tick = Callable[[], Awaitable[float]]
DELAY_MAX_SECONDS: Final = 60.0
FAILED_SECONDS: Final = 1.0


class Alarm:
    """Ends a loop's sleep early: something it waits for has happened.

    A loop that is rung often rests for a moment between its ticks, so that one tick serves what has gathered.
    """

    def __init__(self, rest_seconds: float = 0.0) -> None:
        self._rest_seconds = rest_seconds
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the loop; one that is awake will tick once more."""
        self._rung = True
        self._wake()

    async def sleep(self, clock: Clock, seconds: float) -> None:
        """Rest, unless the loop has more to do at once; then sleep until `seconds` have passed or the
        alarm rings, also when it rang during the rest.
        """
        if self._rest_seconds and seconds > 0:
            await clock.sleep(self._rest_seconds)
            seconds -= self._rest_seconds
        if not self._rung and seconds > 0:
            self._waiter = asyncio.get_running_loop().create_future()
            sleeping = asyncio.ensure_future(clock.sleep(min(seconds, DELAY_MAX_SECONDS)))
            sleeping.add_done_callback(lambda _slept: self._wake())
            try:
                await self._waiter
            finally:
                self._waiter = None
                sleeping.cancel()
                # Waited for, not awaited: a cancellation of this loop must not be taken for the one of its
                # sleep.
                await asyncio.wait({sleeping})
            if not sleeping.cancelled():
                sleeping.result()
        self._rung = False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def run_loop(tick: Tick, alarm: Alarm, clock: Clock) -> None:
    """Tick until cancelled."""
    while True:
        delay = await tick()
        await alarm.sleep(clock, delay)


def outlasting(
    tick: Tick, patience: OutageBackoff, fail: Callable[[BaseException], None], unsure: Callable[[], None]
) -> Tick:
    """A tick that survives a database that is away for a while; any other error is handed to `fail`.

    `unsure` is called when the database may know more of the tick than we do: it failed after something was
    written.
    """

    async def ticking() -> float:
        try:
            delay = await tick()
        except Exception as error:  # noqa: BLE001 - a loop's error ends the worker in order
            wait = patience.wait_seconds(error) if _passes(error) else None
            if wait is None:
                fail(error)
                return FAILED_SECONDS
            unsure()
            return wait
        patience.succeeded()
        return delay

    return ticking


def _passes(error: Exception) -> TypeGuard[DatabaseError]:
    return isinstance(error, DatabaseError) and error.transient


def nothing() -> None:
    """This loop writes nothing that another one would have to look for."""


async def cancelled(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel them all, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
