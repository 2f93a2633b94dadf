"""A loop is a `tick() -> delay`; only here does anything sleep."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from orchestrator.ports import Clock

Tick = Callable[[], Awaitable[float]]
DELAY_MAX_SECONDS: Final = 60.0


class Alarm:
    """Ends a loop's sleep early: something it waits for has happened."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the loop; one that is awake will tick once more."""
        self._event.set()

    async def sleep(self, clock: Clock, seconds: float) -> None:
        """Sleep until `seconds` have passed or the alarm rings."""
        if not self._event.is_set() and seconds > 0:
            sleeping = asyncio.ensure_future(clock.sleep(min(seconds, DELAY_MAX_SECONDS)))
            ringing = asyncio.ensure_future(self._event.wait())
            try:
                await asyncio.wait({sleeping, ringing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sleeping, ringing):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
        self._event.clear()


async def run_loop(tick: Tick, alarm: Alarm, clock: Clock) -> None:
    """Tick until cancelled."""
    while True:
        delay = await tick()
        await alarm.sleep(clock, delay)
