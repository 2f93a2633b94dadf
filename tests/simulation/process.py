"""One simulated OS process: a real worker whose every dependency can lose power, freeze, or be shared with
others."""

import asyncio
import contextvars
import random
from collections.abc import Callable
from typing import Any

from orchestrator.ports import ArtifactRequest, FetchOutcome
from orchestrator.runtime.handover import Handover, hand_over
from orchestrator.store.account import workers
from orchestrator.store.claiming import claim
from orchestrator.store.db.database import Database
from orchestrator.store.db.group_commit import GroupWriter, InlineWriter, Operation, _Write
from orchestrator.worker.deps import ModelFacts
from orchestrator.worker.worker import Worker

from .timeline import Timeline

HOST = "simulated"

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


class SimulatedWorld:
    """Shared wall time."""

    def __init__(self, start_ms: int, seconds: Callable[[], float]) -> None:
        self.offset_ms = start_ms
        self.seconds = seconds

    def now_ms(self) -> int:
        return self.offset_ms + int(self.seconds() * 1000 + 1e-6)


class SimClock:
    """ports.Clock of one process."""

    def __init__(self, world: SimulatedWorld, process: Process, ahead_ms: int = 0) -> None:
        self._world = world
        self._process = process
        self._ahead_ms = ahead_ms  # this host's own idea of the time

    def now_ms(self) -> int:
        self._process.check()
        return self._world.now_ms() + self._ahead_ms

    def monotonic(self) -> float:
        self._process.check()
        return self._world.seconds()

    async def sleep(self, seconds: float) -> None:
        await self._process.step()
        await asyncio.sleep(seconds)
        await self._process.step()


class SimEntropy:
    """ports.Entropy of one process."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


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


class GatedArtifacts:
    """ports.ArtifactStore of one process, over the one disk all processes share."""

    def __init__(self, disk: Any, process: Process) -> None:
        self._disk = disk
        self._process = process

    async def start(self) -> None:
        """It is ready at once."""

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        await self._process.step()
        outcome = await self._disk.store(request, self._process)
        await self._process.step()
        return outcome

    def clean(self) -> int:
        self._process.check()
        return 0

    def check_writable(self) -> str | None:
        self._process.check()
        return self._disk.check_writable()

    async def aclose(self) -> None:
        """Nothing is open."""


class SimWorker(Worker):
    """The real worker, with a process id of the simulation."""

    pid = 0

    def _worker_row(self) -> workers.WorkerRow:
        return workers.WorkerRow(self.id, HOST, self.pid)


def facts(_model: str) -> ModelFacts:
    return ModelFacts(25.0, lambda _params: "image/png")
