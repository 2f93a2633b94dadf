"""The output folder of this worker: while it takes no files, this worker buys nothing. No other one
is held: its folder may be its own host's. What it has bought waits for the folder, since it is paid for.
"""

from orchestrator.store.account import worker_stops
from orchestrator.store.account.worker_stops import STORAGE, WorkerFreed, WorkerStop
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably


class StorageGuard:
    """Whether this worker can keep what it buys."""

    def __init__(self, deps: Deps, worker_id: str) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self.full = False  # as far as this worker knows

    async def refuse(self, message: str) -> None:
        """A file could not be written: this worker stops buying."""
        self.full = True
        row = WorkerStop(self._worker_id, STORAGE, message)
        await write_durably(self._deps, worker_stops.stop_workers, row)

    async def try_again(self) -> None:
        """Where the folder took no files: whether it takes them now."""
        if self.full and self._deps.artifacts.check_writable() is None:
            self.full = False
            await write_durably(self._deps, worker_stops.free_workers, WorkerFreed(self._worker_id, STORAGE))
