"""The database: `read()` and `write()` transactions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert
from sqlalchemy.engine import URL

from orchestrator.core.errors import DatabaseError
from orchestrator.ports import Clock, Crashpoint, no_crash
from orchestrator.store.db import connections, dialect, looking, schema_version
from orchestrator.store.db.database_url import parse_url, shown, sqlite_path
from orchestrator.store.db.deferred_writes import DeferredWrites
from orchestrator.store.db.driver_errors import mapped_errors
from orchestrator.store.db.file_guard import FileGuard
from orchestrator.store.db.same_database import SameDatabase
from orchestrator.store.db.schema import meta
from orchestrator.store.db.server_clock import ServerClock

GIVE_WAY_SECONDS: Final = 0.05


@dataclass(slots=True)
class Tx:
    """One transaction. `now` is its time: the database's clock where it has one, else the injected clock."""

    conn: Connection
    now: int
    deferred: DeferredWrites["Tx"] = field(default_factory=DeferredWrites)
    """Changes to rows that all workers write; they are written just before the commit."""


class Database:
    """A SQLite file or a Postgres database whose schema is already there.

    A server's own clock is used where there is one, because its workers may be on several hosts; with
    `clock_from_server` off, the injected clock is used everywhere, which a simulation of time needs.
    """

    def __init__(
        self,
        url: URL,
        clock: Clock,
        crashpoint: Crashpoint = no_crash,
        *,
        clock_from_server: bool = True,
        look: bool = False,
    ) -> None:
        self.url = url
        self._clock_from_server = clock_from_server
        self.clock = ServerClock(clock)
        self._crashpoint = crashpoint
        path = sqlite_path(url)
        self._guard = FileGuard(path) if path is not None else None
        self._same = SameDatabase(shown(url))
        self._look = look
        self._writer = connections.writer_engine(url, self._guard)
        self._reader = looking.looking_engine(url) if look else connections.reader_engine(url, self._guard)
        self._write_lock = threading.Lock()

    @classmethod
    def open(
        cls,
        url: str,
        clock: Clock,
        crashpoint: Crashpoint = no_crash,
        *,
        clock_from_server: bool = True,
        look: bool = False,
    ) -> "Database":
        """Open without touching the schema. Raises UsageError for a URL that is not supported, DatabaseError
        when the file does not exist. With `look`, nothing can be written.
        """
        parsed = parse_url(url)
        path = sqlite_path(parsed)
        if path is not None and not path.exists():
            raise DatabaseError(f"There is no database at {path}. Create it with: orchestrator db upgrade")
        return cls(parsed, clock, crashpoint, clock_from_server=clock_from_server, look=look)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A read-only transaction: one consistent view, never blocks a writer."""
        calm = looking.undisturbed(self.url) if self._look else nullcontext()
        with calm, mapped_errors(self.url), self._reader.connect() as conn, conn.begin():
            yield Tx(conn, self._now(conn))

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A write transaction: durable when the block ends without an exception, undone otherwise.

        Raises SchemaVersionError when the schema of the database is not this program's, and DatabaseError.
        A DatabaseError that is `in_doubt` came from the commit itself: the transaction may be durable.
        """
        assert not self._look, "it was opened to be looked at"
        with (
            self._write_lock,
            mapped_errors(self.url),
            self._writer.connect() as conn,
            conn.begin() as change,
        ):
            opening = dialect.opening(conn)
            schema_version.require(opening.revision)
            self._same.require(opening.database_id)
            tx = Tx(conn, self._by_server(opening.now_ms))
            yield tx
            tx.deferred.write(tx)
            self._crashpoint("db.before_commit")
            with mapped_errors(self.url, in_doubt=True):
                change.commit()
        self._crashpoint("db.after_commit")

    def try_to_write(self) -> None:
        """Write a row and take it back: the right to read, and a transaction that may begin, are not enough.

        Raises DatabaseError, also for a role that lacks the right.
        """
        with self.write() as tx, tx.conn.begin_nested() as trial:
            tx.conn.execute(insert(meta).values(key="doctor", value="was here"))
            trial.rollback()

    def require_in_place(self) -> None:
        """Raise DatabaseReplacedError when the file of SQLite was deleted or replaced since it was opened.

        To be asked before anything is bought, and between the writes of a long command. A server's database
        is compared in every write instead.
        """
        if self._guard is not None:
            self._guard.require()

    @property
    def in_place(self) -> bool:
        """Whether the file is the one that was opened; True for a server."""
        return self._guard is None or self._guard.trouble() is None

    def save_copy(self, target: Path) -> None:
        """Write everything that the open SQLite file holds into a new file, also when it has no name any
        more, for its owner alone. Raises DatabaseError.
        """
        try:
            target.touch(mode=0o600, exist_ok=False)
        except OSError as error:
            raise DatabaseError(f"{target} cannot be made: {error.strerror or error}") from None
        with self._write_lock, mapped_errors(self.url), self._writer.connect() as conn:
            driver = conn.connection.driver_connection
            assert driver is not None
            driver.execute("VACUUM INTO ?", (str(target),))

    def give_way(self) -> None:
        """Pause between two long writes, so that another process can take SQLite's only write lock.

        A process that waits for the lock polls it with growing delays of up to a tenth of a second, and would
        find it taken again.
        """
        if self.url.get_backend_name() == "sqlite":
            threading.Event().wait(GIVE_WAY_SECONDS)

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()

    def _now(self, conn: Connection) -> int:
        return self._by_server(dialect.server_now_ms(conn) if self._clock_from_server else None)

    def _by_server(self, server_ms: int | None) -> int:
        if server_ms is None or not self._clock_from_server:
            return self.clock.now_ms()
        self.clock.observe(server_ms)
        return server_ms
