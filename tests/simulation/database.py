"""The database as simulated processes see it: through connections that are shared, and never given back."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine

from orchestrator.ports import Clock, Crashpoint
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.same_database import SameDatabase
from orchestrator.store.db.server_clock import ServerClock


class KeptConnection(Connection):
    """A connection that is never given back, for transactions that a single thread begins and ends.

    The driver is told BEGIN and COMMIT directly. To SQLAlchemy all of them are one transaction, which saves
    it the book-keeping; what a transaction does to the database is the same.
    """

    word = "BEGIN"

    def begin(self) -> Any:
        """A transaction, as `Connection.begin` makes one; the first one is SQLAlchemy's, and stays open."""
        if not self.in_transaction():
            return super().begin()
        return _KeptTransaction(self.driver, self.word)

    def __exit__(self, *_: object) -> None:
        """It stays open."""

    @cached_property
    def driver(self) -> Any:
        """The driver's connection, outside any transaction at first."""
        self.exec_driver_sql("SELECT 1").close()
        driver: Any = self.connection.driver_connection
        driver.execute("ROLLBACK")
        return driver


class _KeptTransaction:
    __slots__ = ("_driver", "_open", "_word")

    def __init__(self, driver: Any, word: str) -> None:
        self._driver = driver
        self._word = word
        self._open = False

    def __enter__(self) -> "_KeptTransaction":
        self._driver.execute(self._word)
        self._open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._open:
            self._driver.execute("COMMIT" if kind is None else "ROLLBACK")

    def commit(self) -> None:
        self._driver.execute("COMMIT")
        self._open = False


class KeptEngine:
    """An engine of one connection that is never given back."""

    def __init__(self, engine: Engine, word: str) -> None:
        self._engine = engine
        self.connection = KeptConnection(engine)
        self.connection.word = word

    def connect(self) -> KeptConnection:
        return self.connection

    def dispose(self) -> None:
        self.connection.invalidate()
        self.connection.close()
        self._engine.dispose()


class SimDatabase(Database):
    """The database as one process sees it: it shares the connections with all others.

    With `server_time`, the database has a clock of its own, as a server has, and hosts follow it.
    """

    server_time: Callable[[], int] | None = None
    before_read: Callable[[], None] = staticmethod(lambda: None)

    def seen_by(
        self,
        clock: Clock,
        crashpoint: Crashpoint,
        *,
        server_time: Callable[[], int] | None = None,
        before_read: Callable[[], None] = lambda: None,
    ) -> "SimDatabase":
        """The same database as another process sees it."""
        other = copy.copy(self)
        other.clock = ServerClock(clock)
        other._crashpoint = crashpoint
        other.forget()
        other.server_time = server_time
        other.before_read = before_read
        return other

    def forget(self) -> None:
        """Take whatever database answers next for the one that this process began with."""
        self._same = SameDatabase(str(self.url.database))

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """As the original, after whatever keeps this process from reading."""
        self.before_read()
        with super().read() as tx:
            yield tx

    def _by_server(self, server_ms: int | None) -> int:
        if self.server_time is None:
            return super()._by_server(server_ms)
        now_ms = self.server_time()
        self.clock.observe(now_ms)
        return now_ms
