"""The way between one process and the account: connections that fail, replies that come too late."""

import asyncio
from typing import Any

from orchestrator.ports import Accepted, KeyRefused, Lost, NotSent

from .account import SimulatedAccount
from .process import Process

CONNECT_SECONDS = 10.0
SUBMIT_SECONDS = 60.0


class Transport:
    """What a process sends goes over it, and the replies come back."""

    def __init__(self, account: SimulatedAccount, process: Process) -> None:
        self._account = account
        self._process = process

    async def connected(self, longest: float) -> NotSent | None:
        """Make a connection. One that is not there in time, also because we were frozen, sends nothing."""
        account = self._account
        before = account.now()
        await asyncio.sleep(account.uniform(0, longest))
        await self._process.step()
        if account.now() - before > CONNECT_SECONDS:
            return NotSent("no connection in time")
        if account.mood() == "outage" or account.strike("connect_failed"):
            return NotSent("connection refused")
        return None

    async def reply(self, outcome: Any, seconds: float = 0.2) -> Any:
        """The way back. One that takes too long, also because we were frozen, is lost."""
        before = self._account.now()
        await asyncio.sleep(seconds)
        await self._process.step()
        if isinstance(outcome, Accepted) and self._account.now() - before > SUBMIT_SECONDS:
            return Lost("no reply in time")
        return outcome

    async def look(self) -> NotSent | KeyRefused | None:
        """Make a connection to read something, with a key that must be good."""
        refused = await self.connected(0.3)
        if refused is not None:
            return refused
        return self.keyless()

    def keyless(self) -> KeyRefused | None:
        """What the account says to a key that it refuses."""
        if not self._account.refuses_key_of(self._process.name):
            return None
        return KeyRefused("the key is not active", 401)
