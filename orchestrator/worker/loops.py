"""A loop is a `tick() -> delay`, run again after the delay or when its alarm rings."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from orchestrator.core.errors import DatabaseError
from orchestrator.ports import Clock
from orchestrator.worker.alarms import Alarm
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import OutageBackoff

Tick = Callable[[], Awaitable[float]]
FAILED_SECONDS: Final = 1.0


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
