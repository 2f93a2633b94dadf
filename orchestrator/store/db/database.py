"""The database: `read()` and `write()` transactions, and the driver's errors mapped to ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, exc, make_url
from sqlalchemy.engine import URL

from orchestrator.core.errors import DatabaseError, UsageError
from orchestrator.ports import Clock, Crashpoint, no_crash
from orchestrator.store.db import connections, dialect, schema_version
from orchestrator.store.db.deferred_writes import DeferredWrites
from orchestrator.store.db.file_guard import FileGuard
from orchestrator.store.db.same_database import SameDatabase
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
        self, url: URL, clock: Clock, crashpoint: Crashpoint = no_crash, *, clock_from_server: bool = True
    ) -> None:
        self.url = url
        self._clock_from_server = clock_from_server
        self.clock = ServerClock(clock)
        self._crashpoint = crashpoint
        path = sqlite_path(url)
        self._guard = FileGuard(path) if path is not None else None
        self._same = SameDatabase(shown(url))
        self._writer = connections.writer_engine(url, self._guard)
        self._reader = connections.reader_engine(url, self._guard)
        self._write_lock = threading.Lock()

    @classmethod
    def open(
        cls, url: str, clock: Clock, crashpoint: Crashpoint = no_crash, *, clock_from_server: bool = True
    ) -> "Database":
        """Open without touching the schema. Raises UsageError for a URL that is not supported, DatabaseError
        when the file does not exist.
        """
        parsed = parse_url(url)
        path = sqlite_path(parsed)
        if path is not None and not path.exists():
            raise DatabaseError(f"There is no database at {path}. Create it with: orchestrator db upgrade")
        return cls(parsed, clock, crashpoint, clock_from_server=clock_from_server)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A read-only transaction: one consistent view, never blocks a writer."""
        with mapped_errors(self.url), self._reader.connect() as conn, conn.begin():
            yield Tx(conn, self._now(conn))

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A write transaction: durable when the block ends without an exception, undone otherwise.

        Raises SchemaVersionError when the schema of the database is not this program's, and DatabaseError.
        A DatabaseError that is `in_doubt` came from the commit itself: the transaction may be durable.
        """
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


def parse_url(url: str) -> URL:
    """The URL with its driver named; raises UsageError for one that is not supported."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise UsageError(
            "database_url cannot be read. Write sqlite:///orchestrator.db or "
            "postgresql+psycopg://user@host/name"
        ) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return parsed.set(drivername="sqlite+pysqlite")
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise UsageError(
        f"database_url names {parsed.drivername!r}; supported are sqlite:///FILE and postgresql+psycopg://..."
    )


def shown(url: str | URL) -> str:
    """Where the database is, for messages: the file of SQLite, or the URL without its password."""
    parsed = parse_url(url) if isinstance(url, str) else url
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    return parsed.render_as_string(hide_password=True)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL; None for another database; raises UsageError for one in memory."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise UsageError(
            "database_url must name a file: work that is kept in memory is lost. Try "
            "sqlite:///orchestrator.db"
        )
    return Path(url.database)


_SQLITE_TRANSIENT: Final = {5, 6}  # busy, locked
_READ_ONLY_TRANSACTION: Final = "25006"  # the server is a standby since a failover, or not yet primary

# https://www.sqlite.org/rescode.html, primary codes
_SQLITE_MESSAGES: Final = {
    5: "is locked by another process for too long. Find it with: fuser {where}",
    8: (
        "cannot be written: it, or its folder, is read-only. Give this user write permission and run the "
        "command again"
    ),
    10: "had a disk error. Check the disk, then: orchestrator doctor",
    11: (
        "is damaged. Stop all workers, keep a copy of the file, and restore your last backup or try: "
        "sqlite3 {where} .recover"
    ),
    13: "could not grow: the disk is full. Free some space and run the command again; nothing was lost",
    14: "cannot be opened. Check that its folder exists and that this user may write there",
    26: "is not a SQLite database. Name another file in database_url, or move this one away",
}


@contextmanager
def mapped_errors(url: URL, *, in_doubt: bool = False) -> Iterator[None]:
    """Map the driver's operational errors to DatabaseError with a next step; programming errors pass through.

    With `in_doubt`, the errors say that the failed operation may have taken effect.
    """
    try:
        yield
    except (exc.OperationalError, exc.DatabaseError) as error:
        if isinstance(error, exc.IntegrityError | exc.ProgrammingError | exc.DataError):
            raise
        raise DatabaseError(
            _describe(url, error), transient=_is_transient(error), in_doubt=in_doubt
        ) from error


def _is_transient(error: exc.DBAPIError) -> bool:
    """A lock and a lost server are transient; a full, damaged or read-only disk is not."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return (code & 0xFF) in _SQLITE_TRANSIENT
    away = error.connection_invalidated or isinstance(error, exc.OperationalError)
    return away or getattr(error.orig, "sqlstate", None) == _READ_ONLY_TRANSACTION


def _describe(url: URL, error: exc.DBAPIError) -> str:
    where = shown(url)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int) and (code & 0xFF) in _SQLITE_MESSAGES:
        return f"The database {where} " + _SQLITE_MESSAGES[code & 0xFF].format(where=where) + "."
    first_line = str(error.orig).strip().split("\n", maxsplit=1)[0]
    return f"The database {where} cannot be used: {first_line}. Check it with: orchestrator doctor"
