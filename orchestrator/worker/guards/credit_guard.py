"""The credit of this worker's account: without any this worker buys nothing.

Another worker's key may be of another account, whose credit says nothing about this one.
"""

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import Balance
from orchestrator.store.account import worker_stops
from orchestrator.store.account.worker_stops import NO_CREDIT, WorkerFreed, WorkerStop
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably


class CreditGuard:
    """Whether this worker's account can pay."""

    def __init__(self, deps: Deps, worker_id: str) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self.gone = False  # as far as this worker knows

    def error(self) -> OperatorNeededError:
        """What a command says that cannot go on without credit."""
        return OperatorNeededError("The account has no credit. Top it up, then run the command again.")

    async def refuse(self, message: str) -> None:
        """A request could not be paid, or nothing is left: this worker stops buying."""
        self.gone = True
        row = WorkerStop(self._worker_id, NO_CREDIT, message)
        await write_durably(self._deps, worker_stops.stop_workers, row)

    async def try_again(self) -> None:
        """Where there was no credit: whether there is some now."""
        if self.gone:
            outcome = await self._deps.provider.balance()
            if isinstance(outcome, Balance) and outcome.micros > 0:
                self.gone = False
                row = WorkerFreed(self._worker_id, NO_CREDIT)
                await write_durably(self._deps, worker_stops.free_workers, row)
