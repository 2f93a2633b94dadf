"""One simulated OS process, which can lose power or freeze at every call of a dependency."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from .timeline import Timeline

owner: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("owner", default=None)


class PowerCut(BaseException):
    """The process is gone: nothing it does from here on has an effect."""


class Process:
    """Power and pauses of one worker. `step` stands in every dependency call, before and after it acts."""

    def __init__(self, name: str, pid: int, timeline: Timeline, strike: Callable[[str], bool]) -> None:
        self.name = name
        self.pid = pid
        self.timeline = timeline
        self.dead = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self._strike = strike
        self._thawed: asyncio.Future[None] | None = None
        self.on_cut: Callable[[], None] = lambda: None
        self.on_thaw: Callable[[str], None] = lambda _name: None
        self.freeze_for: Callable[[], float] = lambda: 0.0
        self.mortal = True

    def check(self) -> None:
        """Raise when the power is gone."""
        if self.dead:
            raise PowerCut

    async def committed(self, operation: str) -> None:
        """The worst moment to freeze: the intent to send is durable, and the request has not left."""
        if operation == "begin_submit" and self.mortal and self._strike("freeze_before_post"):
            self.freeze(self.freeze_for())
        await self.step()

    async def step(self) -> None:
        """Lose power, freeze, or go on."""
        self.check()
        if self.mortal and self._strike("kill"):
            self.cut("at an await")
        if self.mortal and self._thawed is None and self._strike("freeze"):
            self.freeze(self.freeze_for())
        while self._thawed is not None:
            await asyncio.shield(self._thawed)  # who is cancelled while frozen must not end it for the others
        self.check()

    def cut(self, where: str) -> None:
        """Power off, now."""
        if not self.dead:
            self.dead = True
            self.timeline.mark(self.name, "POWER CUT", where)
            self.on_cut()
        raise PowerCut

    def freeze(self, seconds: float) -> None:
        """Stop the process for a while, as SIGSTOP or a sleeping laptop does."""
        loop = asyncio.get_running_loop()
        if self.dead or self._thawed is not None:
            return
        self.timeline.mark(self.name, f"frozen for {seconds:.1f} s")
        self._thawed = loop.create_future()
        loop.call_later(seconds, self.thaw)

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still."""
        return self._thawed is not None

    def thaw(self) -> None:
        if self._thawed is not None:
            thawed, self._thawed = self._thawed, None
            if not thawed.done():
                thawed.set_result(None)
            self.timeline.mark(self.name, "goes on")
            self.on_thaw(self.name)

    def crashpoint(self, name: str) -> None:
        """The named crash points of the code."""
        self.check()
        if self.mortal and not name.startswith("db.after") and self._strike("crash"):
            self.timeline.faults[f"crash:{name}"] += 1
            self.cut(f"at {name}")

    def strikes(self, kind: str) -> bool:
        """Whether this fault of its surroundings happens to it now."""
        return self.mortal and self._strike(kind)

    async def drop(self) -> None:
        """Unwind every task of a dead process; no handler among them can reach the world."""
        assert self.dead
        self.thaw()
        for _ in range(50):
            alive = [task for task in self.tasks if not task.done()]
            if not alive:
                return
            for task in alive:
                task.cancel()
            await asyncio.wait(alive)
        raise AssertionError(f"{self.name} does not die")


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> "asyncio.Task[Any]":
    """Tasks know the process they belong to, so that a power cut reaches all of them."""
    task = asyncio.Task(coro, loop=loop, **more)
    process = more["context"].get(owner) if more.get("context") is not None else owner.get()
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task
