"""The tasks of a worker, one for each attempt at work, and the first error of anything in it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from orchestrator.core.errors import DatabaseError, DatabaseReplacedError, OrchestratorError
from orchestrator.worker.stop import Stop, StopLevel


class TaskGroup:
    """Runs work on attempts; an error in it stops the worker in order, at the level that the error allows."""

    def __init__(self, stop: Stop, ended: Callable[[], None]) -> None:
        """`ended` is called when a task has ended and the worker may be about to end too."""
        self._stop = stop
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None  # the first one

    @property
    def busy(self) -> bool:
        """Whether any task has not ended."""
        return bool(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._landed)

    def fail(self, error: BaseException, *, bookkeeping: bool = False) -> None:
        """Stop buying, collect what can be collected, and keep the first error for the end.

        Where `bookkeeping` failed, a guard may not have done its work; collecting does not need it. Neither
        does it need a name for the file of the database: the open one still takes what is written.
        """
        self.error = self.error or error
        is_expected = bookkeeping or isinstance(error, OrchestratorError)
        can_record = not isinstance(error, DatabaseError) or isinstance(error, DatabaseReplacedError)
        is_collectable = is_expected and can_record
        self._stop.raise_to(StopLevel.FINISHING if is_collectable else StopLevel.LEAVING)

    async def cancel(self, loops: Iterable[asyncio.Task[None]] = ()) -> None:
        """Cancel the loops and every task, and wait until they have ended."""
        ending = [*loops, *self._tasks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)
        if not self._tasks or self._stop.stopping:
            self._ended()
