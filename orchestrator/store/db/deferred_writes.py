"""Rows that every worker writes: their changes are noted, added up, and written last.

A row that is written stays locked until its transaction ends, and on a server every other worker waits for
it. So a transaction does all work of its own first, and takes the shared rows just before the commit: it
holds them for the time of a few statements, and all transactions take them in one order, so that over these
no two can wait for each other.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Generic, TypeVar

Transaction = TypeVar("Transaction")
Changes = Mapping[Any, tuple[int, ...]]
"""What to add to the numbers of each row, by the row's key, in the order of the keys."""


class LockOrder(IntEnum):
    """Kinds of shared rows in the order in which they are taken. The account's row of limits comes before
    them all.
    """

    LANES = 1
    RUNS = 2
    RATE = 3
    BALANCES = 4


class DeferredWrites(Generic[Transaction]):
    """The changes that one transaction has noted and not written yet."""

    def __init__(self) -> None:
        self._noted: dict[LockOrder, dict[Any, tuple[int, ...]]] = {}
        self._write: dict[LockOrder, Callable[[Transaction, Changes], None]] = {}

    def add(
        self, turn: LockOrder, write: Callable[[Transaction, Changes], None], key: Any, *deltas: int
    ) -> None:
        """Note numbers to add to a row, and who writes them; of one kind, always the same writer."""
        rows = self._noted.setdefault(turn, {})
        before = rows.get(key)
        rows[key] = deltas if before is None else tuple(map(sum, zip(before, deltas, strict=True)))
        self._write[turn] = write

    def noted(self, turn: LockOrder) -> Changes:
        """What is noted and not written yet, of one kind."""
        return self._noted.get(turn, {})

    def take(self, turn: LockOrder) -> Changes:
        """The same, for a caller who writes it."""
        return dict(sorted(self._noted.pop(turn, {}).items()))

    def write(self, tx: Transaction, last: LockOrder = LockOrder.BALANCES) -> None:
        """Write what is noted, kind by kind up to `last`."""
        for turn in sorted(self._noted):
            if turn <= last:
                self._write[turn](tx, self.take(turn))
