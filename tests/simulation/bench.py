"""The database of a simulating process: one SQLite file in memory, emptied between seeds, its connections kept open."""

import atexit
import contextlib
import copy
import os
import shutil
import sqlite3
import tempfile
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from orchestrator.ports import Clock, Crashpoint
from orchestrator.store import dialect, migrate
from orchestrator.store.database import Database, parse_url
from orchestrator.store.schema import metadata
from orchestrator.store.servertime import ServerClock
from tests.support.times import FakeClock

from .checker import TRIGGERS


class KeptConnection(Connection):
    """A connection that is never given back, for transactions that a single thread begins and ends.

    The driver is told BEGIN and COMMIT directly. To SQLAlchemy all of them are one transaction, which saves it the
    book-keeping; what a transaction does to the database is the same.
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
    """The database as one process sees it: it shares the connections with all others."""

    def __init__(self, url: str, writer: Any, reader: Any) -> None:
        super().__init__(parse_url(url), FakeClock())
        self._writer.dispose()
        self._reader.dispose()
        self._writer = writer
        self._reader = reader

    def seen_by(self, clock: Clock, crashpoint: Crashpoint) -> "SimDatabase":
        """The same database as another process sees it."""
        other = copy.copy(self)
        other.clock = ServerClock(clock)
        other._crashpoint = crashpoint
        return other


class Bench:
    """One SQLite file in memory, emptied between seeds."""

    def __init__(self) -> None:
        root = Path("/dev/shm")
        self._folder = Path(
            tempfile.mkdtemp(prefix="orchestrator-simulation-", dir=root if root.is_dir() else None)
        )
        self.path = str(self._folder / "simulated.db")
        self.url = f"sqlite:///{self.path}"
        migrate.upgrade(self.url)
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(TRIGGERS)
        photo = self._folder / "a.png"
        photo.write_bytes(b"a picture")
        self.photo = (photo, sha256(b"a picture").hexdigest(), 9)
        writer = KeptEngine(dialect.writer_engine(parse_url(self.url)), "BEGIN IMMEDIATE")
        reader = KeptEngine(dialect.reader_engine(parse_url(self.url)), "BEGIN")
        self.database = SimDatabase(self.url, writer, reader)
        with self.database.write():
            pass
        writer.connection.driver.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug of a simulation

    def wipe(self) -> None:
        """Delete every row."""
        with self.database.write() as tx:
            driver = tx.conn.connection.driver_connection
            for table in (*reversed(metadata.sorted_tables), "watched"):
                driver.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Remove the file."""
        self.database.close()
        shutil.rmtree(self._folder, ignore_errors=True)


_benches: dict[int, Bench] = {}


def bench() -> Bench:
    """This process's bench."""
    if os.getpid() not in _benches:
        _benches[os.getpid()] = Bench()
        atexit.register(close_bench)
    return _benches[os.getpid()]


def close_bench() -> None:
    """Remove this process's file."""
    found = _benches.pop(os.getpid(), None)
    if found is not None:
        found.close()
