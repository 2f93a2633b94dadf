"""A loop is a `tick() -> delay`; only here does anything sleep."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from orchestrator.core.errors import DatabaseError
from orchestrator.ports import Clock
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import OutageBackoff
from orchestrator.worker.pipeline.claim import CLAIM_REST_SECONDS

Tick = Callable[[], Awaitable[float]]
DELAY_MAX_SECONDS: Final = 60.0
FAILED_SECONDS: Final = 1.0
POLL_REST_SECONDS: Final = 0.01
"""Polls that become due within this are started together."""


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
    end: Alarm = field(default_factory=Alarm)


async def run_loop(tick: Tick, alarm: Alarm, clock: Clock) -> None:
    """Tick until cancelled."""
    while True:
        delay = await tick()
        await alarm.sleep(clock, delay)


def nothing() -> None:
    """This loop writes nothing that another one would have to look for."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One line of the worker's table of loops."""

    tick: Tick
    alarm: Alarm = field(default_factory=Alarm)
    when_unsure: Callable[[], None] = nothing
    """Called when the database may know more of a tick than we do: it failed after something was written."""

    bookkeeping: bool = False
    """Its errors do not keep the worker from collecting what is paid for."""


def start_loops(loops: Iterable[Loop], deps: Deps, fail: Callable[..., None]) -> list[asyncio.Task[None]]:
    """Run them all; an error that a loop does not survive goes to `fail(error, bookkeeping=...)`."""
    return [
        asyncio.create_task(run_loop(_surviving_outages(loop, deps, fail), loop.alarm, deps.clock))
        for loop in loops
    ]


def _surviving_outages(loop: Loop, deps: Deps, fail: Callable[..., None]) -> Tick:
    """The loop's tick, tried again while the database is away for a while."""
    backoff = OutageBackoff(deps)

    async def ticking() -> float:
        try:
            delay = await loop.tick()
        except Exception as error:  # noqa: BLE001 - a loop's error ends the worker in order
            wait = backoff.wait_seconds(error) if _passes(error) else None
            if wait is None:
                fail(error, bookkeeping=loop.bookkeeping)
                return FAILED_SECONDS
            loop.when_unsure()
            return wait
        backoff.succeeded()
        return delay

    return ticking


def _passes(error: Exception) -> TypeGuard[DatabaseError]:
    return isinstance(error, DatabaseError) and error.transient
