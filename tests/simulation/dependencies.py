"""What a worker of the simulation runs on: its clock, its dice, the disk, and its own process id."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.ports import ArtifactRequest, CellMove, CellMoved, CopyRequest, FetchOutcome
from orchestrator.store.account import workers
from orchestrator.worker.deps import ModelFacts
from orchestrator.worker.worker import Worker

from .process import Process

HOST = "simulated"


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

    async def copy(self, request: CopyRequest) -> FetchOutcome:
        await self._process.step()
        outcome = self._disk.copy(request, self._process)
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


class GatedMover:
    """ports.Mover of one process, on the disk that all processes share."""

    def __init__(self, disk: Any, process: Process) -> None:
        self._disk = disk
        self._process = process

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """The lock of a process ends with it; one that is frozen keeps it."""
        self._process.check()
        other = self._disk.mover
        if other is not None and not other.dead:
            yield False
            return
        self._disk.mover = self._process
        try:
            yield True
        finally:
            self._disk.mover = None

    async def move(self, wanted: CellMove) -> CellMoved:
        await self._process.step()
        moved = self._disk.move(wanted, self._process)
        await self._process.step()
        return moved


class SimWorker(Worker):
    """The real worker, with a process id of the simulation."""

    pid = 0

    def _worker_row(self) -> workers.WorkerRow:
        return workers.WorkerRow(self.id, HOST, self.pid)


def facts(_model: str) -> ModelFacts:
    return ModelFacts(25.0, lambda _params: "image/png")
