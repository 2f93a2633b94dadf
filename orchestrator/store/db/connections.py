"""Connections to SQLite and Postgres: engines that read, engines that write, and their settings."""

import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from orchestrator.store.db import schema_version
from orchestrator.store.db.file_guard import FileGuard

BUSY_TIMEOUT_MS: Final = 30_000


def reader_engine(url: URL, guard: FileGuard | None = None, *, read_only: bool = False) -> Engine:
    """Connections that never write and never block a writer; each transaction reads one snapshot. With
    `read_only`, a server refuses every write in them.

    With a `guard`, a connection is only made to the file that it remembers: SQLite would make an empty one in
    the place of a deleted one, and read another one in the place of a replaced one.
    """
    if url.get_backend_name() != "sqlite":
        # The level is part of BEGIN, not a setting of the session, so it also works behind a pooler.
        begin = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": read_only}
        return _postgres_engine(url, connections=4, execution_options=begin)
    engine = create_engine(url, poolclass=QueuePool, pool_size=4, max_overflow=8, connect_args=_SQLITE_ARGS)
    configure_sqlite(engine, begin="BEGIN", pragmas=LOOKING_PRAGMAS)
    _guard_sqlite(engine, guard)
    return engine


def writer_engine(url: URL, guard: FileGuard | None = None) -> Engine:
    """The connection that writes; one per process is enough, because writes are grouped. `guard` as above."""
    if url.get_backend_name() != "sqlite":
        return _postgres_engine(url, connections=2)
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=_SQLITE_ARGS)
    # WAL lets readers go on during a write. FULL, because NORMAL loses acknowledged commits on power loss.
    pragmas = (*_SQLITE_PRAGMAS, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
    configure_sqlite(engine, begin="BEGIN IMMEDIATE", pragmas=pragmas)
    _guard_sqlite(engine, guard)
    if guard is not None:
        # Nobody removes the files beside a database while a connection is open; this one is new.
        event.listen(engine, "connect", lambda *_: guard.forget_beside())
    return engine


def _postgres_engine(url: URL, *, connections: int, **options: Any) -> Engine:
    """Connections that detect a lost server, and that work behind a pooler which assigns them per
    transaction.
    """
    given = {name: value for name, value in _POSTGRES_ARGS.items() if name not in url.query}
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_pre_ping=True,
        connect_args=given,
        **options,
    )

    @event.listens_for(engine, "do_connect")
    def _wait_for_a_place(dialect: Any, _record: Any, args: Any, given: Any) -> Any:
        return _connected(partial(dialect.connect, *args, **given))

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        """Refuse a server that is too old or cannot hold every text, and prepare no statements behind a
        pooler.

        A pooler reports a process id of its own. Behind one, the next transaction may run on another session,
        which does not have the statements that were prepared before.
        """
        schema_version.require_server(connection.info.server_version // 10_000)
        schema_version.require_encoding(connection.info.parameter_status("server_encoding") or "")
        (own,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        connection.rollback()
        if own != connection.info.backend_pid:
            connection.prepare_threshold = None

    return engine


FULL_SECONDS: Final = 30.0
"""How long a server that has no place for one more connection, or is just starting, is asked again."""

_FULL_RETRY_SECONDS: Final = 0.25
_FULL: Final = (
    "too many clients",
    "too many connections",
    "remaining connection slots",
    "the database system is starting up",
    "no more connections allowed",  # pgbouncer
)


def _connected(connect: Callable[[], Any]) -> Any:
    """The connection, once there is a place for it; the driver's error for anything else, at once.

    libpq gives no error code for a connection that was refused, so the server's words have to do.
    """
    for tries_left in reversed(range(int(FULL_SECONDS / _FULL_RETRY_SECONDS))):
        try:
            return connect()
        except Exception as error:
            if not tries_left or not any(words in str(error) for words in _FULL):
                raise
            threading.Event().wait(_FULL_RETRY_SECONDS)
    raise AssertionError("the last try returns or raises")


_POSTGRES_ARGS: Final = {
    "client_encoding": "utf8",
    "connect_timeout": 10,  # seconds, as the next two
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # In ms; without it, a write to a host that is gone waits for a quarter of an hour.
    "tcp_user_timeout": 30_000,
    "application_name": "orchestrator",
}

_SQLITE_ARGS: Final = {"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}
_SQLITE_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
)
LOOKING_PRAGMAS: Final = (*_SQLITE_PRAGMAS, "PRAGMA query_only = ON")

_BUSY_RETRY_SECONDS: Final = 0.02


def _run_when_unlocked(connection: sqlite3.Connection, pragma: str) -> None:
    """Run the pragma as soon as the write lock is free.

    SQLite ignores the busy timeout when it switches a file to WAL: of two programs that open a new database
    at the same moment, one would be refused at once.
    """
    for tries_left in reversed(range(int(BUSY_TIMEOUT_MS / 1000 / _BUSY_RETRY_SECONDS))):
        try:
            connection.execute(pragma).close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not tries_left:
                raise
            threading.Event().wait(_BUSY_RETRY_SECONDS)
        else:
            return


def _guard_sqlite(engine: Engine, guard: FileGuard | None) -> None:
    if guard is not None:
        event.listen(engine, "do_connect", lambda *_: guard.require_same_file())
        event.listen(engine, "connect", lambda *_: guard.require_same_file())


def configure_sqlite(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    """Begin each transaction with these words, and each connection with these settings."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # We issue BEGIN ourselves, because the driver's deferred BEGIN can fail on a lock later.
        connection.isolation_level = None
        for pragma in pragmas:
            _run_when_unlocked(connection, pragma)

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)
