"""Schedules: a worker that works on everything fires due ticks, expands those whose manifests it reads, and
notices how they end.

Bookkeeping: no trouble with a schedule keeps a picture from being collected. Reading a manifest and its
tables may take minutes, so a thread does it, under a lease that is prolonged meanwhile.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from orchestrator.store.db.database import Tx
from orchestrator.store.schedules import ending, expanding, firing, pings
from orchestrator.store.schedules.ending import TickChange
from orchestrator.store.schedules.expanding import Expanded, TickOrder
from orchestrator.store.schedules.firing import Fired
from orchestrator.store.schedules.pings import Ping
from orchestrator.worker.alarms import Alarm
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.stop import Stop

LOOK_SECONDS: Final = 10.0
PROLONG_SECONDS: Final = expanding.LEASE_MS / 4000

in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread


class TickKeeper:
    """The schedules' part of one worker; does nothing for one that works on certain runs alone, or that was
    given nobody who expands.
    """

    def __init__(self, deps: Deps, *, worker_id: str, everything: bool) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._expander = deps.expander if everything else None
        self._expanding = False
        self.alarm: Final = Alarm()

    async def tick(self, stop: Stop, *, made: Callable[[], None] | None = None) -> float:
        """Fire, expand, end and tell; returns the delay to the next look. A worker that stops begins
        nothing. `made` hears that a run was made: names may be to switch that no download tells of.
        """
        if self._expander is None:
            return LOOK_SECONDS * 6
        began = False
        if not stop.stopping:
            await self._fire()
            began = await self._expand(self._expander)
        await self._end()
        await self._tell()
        if began:
            if made:
                made()
            return 0.0
        with self._deps.database.read() as tx:
            upcoming, now = firing.next_look(tx), tx.now
        return LOOK_SECONDS if upcoming is None else min(LOOK_SECONDS, max(0.5, (upcoming - now) / 1000))

    def settled(self, tx: Tx) -> bool:
        """Whether no tick is due that this worker can expand, and none is at an end that nobody has noted."""
        if self._expander is None:
            return True
        if ending.changes(tx, self._deps.settings.budgets.timezone):
            self.alarm.ring()
            return False
        due = (
            self._expanding
            or firing.is_ripe(tx)
            or expanding.has_lost(tx)
            or any(map(is_readable, expanding.manifests_due(tx).values()))
        )
        return not due

    async def _fire(self) -> None:
        with self._deps.database.read() as tx:
            fires, lost = firing.is_ripe(tx), expanding.has_lost(tx)
        if fires or lost:
            await write_durably(self._deps, _fire, None)

    async def _expand(self, expander: Callable[[TickOrder], Expanded]) -> bool:
        with self._deps.database.read() as tx:
            due = expanding.manifests_due(tx)
        readable = [schedule_id for schedule_id, path in due.items() if is_readable(path)]
        if not readable:
            return False
        self._expanding = True  # from before it is taken: a drain that looks in between would end over it
        try:
            order = await write_durably(self._deps, _take, (self._worker_id, readable))
            if order is None:
                return False
            self._deps.crashpoint("tick.taken")
            expanded = await self._under_lease(order, expander)
            self._deps.crashpoint("tick.expanded")
            if await write_durably(self._deps, _finish, (order, expanded)):
                self._deps.notify(f"The tick {order.tick.words}: {_words(expanded)}")
        finally:
            self._expanding = False
        return True

    async def _under_lease(self, order: TickOrder, expander: Callable[[TickOrder], Expanded]) -> Expanded:
        work: asyncio.Future[Expanded] = asyncio.ensure_future(in_thread(expander, order))
        while not work.done():
            await asyncio.wait({work}, timeout=PROLONG_SECONDS)
            if not work.done():
                await write_durably(self._deps, _prolong, order)
        return work.result()

    async def _end(self) -> None:
        with self._deps.database.read() as tx:
            found = ending.changes(tx, self._deps.settings.budgets.timezone)
        if found:
            await write_durably(self._deps, _settle, found)

    async def _tell(self) -> None:
        ping = self._deps.ping
        with self._deps.database.read() as tx:
            owing = ping is not None and pings.any_owed(tx)
        if ping is None or not owing:
            return
        for owed in await write_durably(self._deps, _take_pings, None):
            if await in_thread(ping, owed.address):
                await write_durably(self._deps, _told, owed)


def is_readable(path: str) -> bool:
    """Whether this host has the manifest, and this process may read it."""
    return os.access(path, os.R_OK) and Path(path).is_file()


def _words(expanded: Expanded) -> str:
    said = expanded.message or (expanded.why.first if expanded.why else "")
    return f"{expanded.verdict}: {said}"


def _fire(tx: Tx, rows: Sequence[None]) -> list[Fired]:
    expanding.expire(tx)
    return [firing.fire(tx) for _ in rows]


def _take(tx: Tx, rows: Sequence[tuple[str, Sequence[int]]]) -> list[TickOrder | None]:
    return [expanding.take(tx, worker, readable) for worker, readable in rows]


def _prolong(tx: Tx, rows: Sequence[TickOrder]) -> list[bool]:
    return [expanding.prolong(tx, order) for order in rows]


def _finish(tx: Tx, rows: Sequence[tuple[TickOrder, Expanded]]) -> list[bool]:
    return [expanding.finish(tx, order, expanded) for order, expanded in rows]


def _settle(tx: Tx, rows: Sequence[Sequence[TickChange]]) -> list[int]:
    return [ending.settle(tx, found) for found in rows]


def _take_pings(tx: Tx, rows: Sequence[None]) -> list[list[Ping]]:
    return [pings.take(tx) for _ in rows]


def _told(tx: Tx, rows: Sequence[Ping]) -> list[None]:
    pings.told(tx, rows)
    return [None for _ in rows]
