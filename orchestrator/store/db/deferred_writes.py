"""Rows that all workers write: their changes are noted, added up, and written last.

A written row stays locked until its transaction ends, and on a server every other worker waits for it. So a
transaction does its other work first and writes the shared rows just before the commit. It then holds their
locks for only a few statements, and because all transactions lock them in one order, they cannot deadlock
over them.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Generic, TypeVar

Transaction = TypeVar("Transaction")
Changes = Mapping[Any, tuple[int, ...]]
"""Numbers to add to each row, by the row's key, in the order of the keys."""


class LockOrder(IntEnum):
    """Kinds of shared rows, in the order in which they are locked. The account's row of limits is locked
    before all of them.
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
        self, kind: LockOrder, write: Callable[[Transaction, Changes], None], key: Any, *deltas: int
    ) -> None:
        """Note numbers to add to a row, and the function that writes them; each kind has only one."""
        rows = self._noted.setdefault(kind, {})
        before = rows.get(key)
        rows[key] = deltas if before is None else tuple(map(sum, zip(before, deltas, strict=True)))
        self._write[kind] = write

    def noted(self, kind: LockOrder) -> Changes:
        """The changes of one kind that are noted and not written yet."""
        return self._noted.get(kind, {})

    def take(self, kind: LockOrder) -> Changes:
        """Remove and return the noted changes of one kind, for a caller who writes them."""
        return dict(sorted(self._noted.pop(kind, {}).items()))

    def write(self, tx: Transaction, last: LockOrder = LockOrder.BALANCES) -> None:
        """Write what is noted, kind by kind up to `last`."""
        for kind in sorted(self._noted):
            if kind <= last:
                self._write[kind](tx, self.take(kind))
