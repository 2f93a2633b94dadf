"""Alarms: what wakes a loop before its sleep is over, and which loops there are to wake."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from orchestrator.ports import Clock

DELAY_MAX_SECONDS: Final = 60.0

CLAIM_REST_SECONDS: Final = 0.05
POLL_REST_SECONDS: Final = 0.01
PRICES_REST_SECONDS: Final = 0.02
MOVES_REST_SECONDS: Final = 0.2
"""Slots that become free, and polls that become due, are served together: a claim costs the same for one job
as for twenty."""


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


@dataclass(frozen=True, slots=True)
class Alarms:
    """Every alarm that is rung, by the loop that it wakes."""

    claim: Alarm = field(default_factory=lambda: Alarm(CLAIM_REST_SECONDS))
    poll: Alarm = field(default_factory=lambda: Alarm(POLL_REST_SECONDS))
    heartbeat: Alarm = field(default_factory=Alarm)
    rescue: Alarm = field(default_factory=Alarm)
    resolve: Alarm = field(default_factory=Alarm)
    prices: Alarm = field(default_factory=lambda: Alarm(PRICES_REST_SECONDS))
    moves: Alarm = field(default_factory=lambda: Alarm(MOVES_REST_SECONDS))
    end: Alarm = field(default_factory=Alarm)
