"""Group commit: many small writes share one durable transaction.

A store operation takes a transaction and a list of rows and returns one result per row. Writes that queue
while the last commit is synced, and for a moment afterwards, go into the next commit, operation by operation;
an idle system commits at once. When an operation raises, the group is rolled back and each of its rows is
tried again alone, so that one bad row cannot fail the others.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from orchestrator.core.errors import DatabaseError
from orchestrator.runtime.handover import Handover, deliver, hand_over
from orchestrator.store.db.database import Database, Tx

Row = TypeVar("Row")
Result = TypeVar("Result")
Operation = Callable[[Tx, Sequence[Row]], Sequence[Result]]

GROUP_ROWS_MAX: Final = 500
REST_SECONDS: Final = 0.005
"""After a commit the writer lets rows gather for this long: a statement costs about the same for one row as
for twenty, so a busy worker spends half as much on writing. A row that comes later is not delayed."""


class Writer(Protocol):
    """Durable writes from a coroutine."""

    async def submit(self, operation: Operation[Row, Result], row: Row) -> Result:
        """Run the operation on this row; when this returns, the result is durable."""
        ...

    def close(self) -> None:
        """Write what is queued, then stop."""
        ...


class InlineWriter:
    """Every write is its own transaction, in the caller's thread: deterministic, for simulation and
    commands.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def submit(self, operation: Operation[Row, Result], row: Row) -> Result:
        """Run now; durable on return."""
        with self._database.write() as tx:
            (result,) = operation(tx, [row])
        return result

    def close(self) -> None:
        """Do nothing: nothing is open."""


@dataclass(frozen=True, slots=True)
class _Write:
    operation: Operation[Any, Any]
    row: Any


class GroupWriter:
    """One thread that writes; coroutines wait for the commit that holds their row.

    The operation `last` runs after all others of its group, because it locks what every other worker needs
    until the commit.
    """

    def __init__(self, database: Database, *, last: Operation[Any, Any] | None = None) -> None:
        self._database = database
        self._last = last
        self._wake = threading.Condition()
        self._queue: list[Handover[_Write]] = []
        self._closing = False
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def submit(self, operation: Operation[Row, Result], row: Row) -> Result:
        """Queue and wait; durable on return. A cancelled waiter does not undo its write."""
        entry = hand_over(_Write(operation, row))
        with self._wake:
            if self._closing:
                raise DatabaseError("The database writer has stopped.")
            self._queue.append(entry)
            self._wake.notify()
        result: Result = await entry.future
        return result

    def close(self) -> None:
        """Write what is queued, then stop the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._hurry.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._wake.wait()
                if not self._queue:
                    return
                group, self._queue = self._queue[:GROUP_ROWS_MAX], self._queue[GROUP_ROWS_MAX:]
            self._commit(group)
            deliver(group)
            if len(group) < GROUP_ROWS_MAX:
                self._hurry.wait(REST_SECONDS)

    def _commit(self, group: list[Handover[_Write]]) -> None:
        try:
            self._write(group)
        except DatabaseError as error:  # the disk or the server failed, and would fail for every row
            for entry in group:
                entry.error = error
        except BaseException as error:  # noqa: BLE001 - handed to the waiter
            if len(group) == 1:
                group[0].error = error
                return
            for entry in group:
                self._commit([entry])

    def _write(self, group: list[Handover[_Write]]) -> None:
        by_operation: dict[Operation[Any, Any], list[Handover[_Write]]] = {}
        for entry in group:
            by_operation.setdefault(entry.work.operation, []).append(entry)
        with self._database.write() as tx:
            for operation, entries in sorted(by_operation.items(), key=lambda item: item[0] is self._last):
                results = operation(tx, [entry.work.row for entry in entries])
                for entry, result in zip(entries, results, strict=True):
                    entry.result = result
