"""Connections to SQLite and Postgres: engines that read, engines that write, and their settings."""

import sqlite3
import threading
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from orchestrator.store.db import schema_version

BUSY_TIMEOUT_MS: Final = 30_000


def reader_engine(url: URL, *, read_only: bool = False) -> Engine:
    """Connections that never write and never block a writer; each transaction reads one snapshot. With
    `read_only`, a server refuses every write in them.
    """
    if url.get_backend_name() != "sqlite":
        # The level is part of BEGIN, not a setting of the session, so it also works behind a pooler.
        begin = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": read_only}
        return _postgres_engine(url, connections=4, execution_options=begin)
    engine = create_engine(url, poolclass=QueuePool, pool_size=4, max_overflow=8, connect_args=_SQLITE_ARGS)
    configure_sqlite(engine, begin="BEGIN", pragmas=LOOKING_PRAGMAS)
    return engine


def writer_engine(url: URL) -> Engine:
    """The connection that writes; one per process is enough, because writes are grouped."""
    if url.get_backend_name() != "sqlite":
        return _postgres_engine(url, connections=2)
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=_SQLITE_ARGS)
    # WAL lets readers go on during a write. FULL, because NORMAL loses acknowledged commits on power loss.
    pragmas = (*_SQLITE_PRAGMAS, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
    configure_sqlite(engine, begin="BEGIN IMMEDIATE", pragmas=pragmas)
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

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        """Refuse a server that is too old, and prepare no statements behind a pooler.

        A pooler reports a process id of its own. Behind one, the next transaction may run on another session,
        which does not have the statements that were prepared before.
        """
        schema_version.require_server(connection.info.server_version // 10_000)
        (own,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        connection.rollback()
        if own != connection.info.backend_pid:
            connection.prepare_threshold = None

    return engine


_POSTGRES_ARGS: Final = {
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
