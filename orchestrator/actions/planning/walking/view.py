"""One consistent view of the database, that can be left for a moment."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from orchestrator.store.db.database import Database, Tx


class View:
    """A read-only transaction for a whole plan. While others are asked over the network, none is open: what
    is read afterwards may be newer.
    """

    def __init__(self, database: Database | None) -> None:
        """`tx` stays None where there is no database yet."""
        self._database = database
        self._stack = ExitStack()
        self.tx: Tx | None = None

    def __enter__(self) -> Self:
        self.tx = self._stack.enter_context(self._database.read()) if self._database else None
        return self

    def __exit__(self, *_: object) -> None:
        self.tx = None
        self._stack.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """No transaction is open inside of it."""
        self.__exit__()
        yield
        self.__enter__()
