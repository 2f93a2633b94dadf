"""How one simulated process writes: each write by itself, or in groups; a power cut reaches both."""

import asyncio
import random
from typing import Any

from orchestrator.runtime.handover import Handover, hand_over
from orchestrator.store.claiming import claim
from orchestrator.store.db.database import Database
from orchestrator.store.db.group_commit import GroupWriter, InlineWriter, Operation, _Write

from .process import PowerCut, Process


class SingleWrites:
    """Each write its own transaction, with a wait before and after it, as a queue and a sync make."""

    def __init__(self, database: Database, process: Process, dice: random.Random) -> None:
        self._inner = InlineWriter(database)
        self._process = process
        self._dice = dice

    async def submit(self, operation: Operation[Any, Any], row: Any) -> Any:
        await self._process.step()
        await asyncio.sleep(self._dice.uniform(0, 0.02))
        await self._process.step()
        result = await self._inner.submit(operation, row)
        await asyncio.sleep(self._dice.uniform(0, 0.02))
        await self._process.committed(operation.__name__)
        return result

    def close(self) -> None:
        """Nothing is open."""


class GroupedWrites(GroupWriter):
    """The real grouping of writes, driven by virtual time in place of a thread."""

    def __init__(self, database: Database, process: Process, dice: random.Random) -> None:
        self._database = database
        self._last = claim.claim
        self._process = process
        self._dice = dice
        self._queue: list[Handover[_Write]] = []
        self._flushing = False

    async def submit(self, operation: Operation[Any, Any], row: Any) -> Any:
        await self._process.step()
        loop = asyncio.get_running_loop()
        entry = hand_over(_Write(operation, row))
        self._queue.append(entry)
        if not self._flushing:
            self._flushing = True
            loop.call_later(self._dice.uniform(0.001, 0.03), self._flush)
        result = await entry.future
        await self._process.committed(operation.__name__)
        return result

    def _flush(self) -> None:
        group, self._queue = self._queue, []
        self._flushing = False
        if self._process.dead:
            return
        try:
            self._commit(group)
        except PowerCut:
            return
        for entry in group:
            if entry.future.done():
                continue
            if isinstance(entry.error, PowerCut):
                entry.future.cancel()
            elif entry.error is not None:
                entry.future.set_exception(entry.error)
            else:
                entry.future.set_result(entry.result)

    def close(self) -> None:
        """Nothing is open."""
