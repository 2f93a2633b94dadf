"""Everything that differs between SQLite and Postgres, in one drawer."""

from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Engine, Insert, Select, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

BUSY_TIMEOUT_MS: Final = 30_000


def insert(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT."""
    return sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)


def insert_or_ignore(conn: Connection, table: Table) -> Insert:
    """An INSERT that leaves a row that is there already as it is; built once per table."""
    return _insert_or_ignore(conn.dialect.name, table)


@cache
def _insert_or_ignore(dialect_name: str, table: Table) -> Insert:
    made = sqlite.insert(table) if dialect_name == "sqlite" else postgresql.insert(table)
    return made.on_conflict_do_nothing()


def lock_rows(conn: Connection, query: Select[Any], *of: Table, skip_locked: bool = False) -> Select[Any]:
    """The query, taking row locks where rows can be locked; SQLite holds the one write lock already.

    A query that joins names the tables whose rows it will change: a locked parent row would hold up every insert
    that refers to it, and might end in a deadlock.
    """
    if conn.dialect.name == "sqlite":
        return query
    return query.with_for_update(of=list(of) or None, skip_locked=skip_locked)


def lock_inserts(conn: Connection, table: Table) -> None:
    """Until this transaction ends, nobody else who asks the same inserts into the table; others read and update."""
    if conn.dialect.name != "sqlite":
        conn.execute(text(f"LOCK TABLE {table.name} IN SHARE UPDATE EXCLUSIVE MODE"))


def server_now_ms(conn: Connection) -> int | None:
    """The database's own clock, or None where the database is on this host and has none of its own."""
    if conn.dialect.name == "sqlite":
        return None
    return int(
        conn.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")).scalar_one()
    )


def reader_engine(url: URL) -> Engine:
    """Connections that never write and never block a writer; each transaction sees one moment."""
    if url.get_backend_name() != "sqlite":
        # The level is a word of BEGIN, not a setting of the session, so it also holds behind a pooler.
        return create_engine(
            url, pool_size=4, max_overflow=4, pool_pre_ping=True, isolation_level="REPEATABLE READ"
        )
    engine = create_engine(url, poolclass=QueuePool, pool_size=4, max_overflow=8, connect_args=_SQLITE_ARGS)
    _configure_sqlite(engine, begin="BEGIN", pragmas=(*_SQLITE_PRAGMAS, "PRAGMA query_only = ON"))
    return engine


def writer_engine(url: URL) -> Engine:
    """The connection that writes; one per process is enough, since writes are grouped."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=2, max_overflow=2, pool_pre_ping=True)
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=_SQLITE_ARGS)
    # WAL lets readers go on while one writes. FULL, because NORMAL loses acknowledged commits on power loss.
    pragmas = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *_SQLITE_PRAGMAS)
    _configure_sqlite(engine, begin="BEGIN IMMEDIATE", pragmas=pragmas)
    return engine


_SQLITE_ARGS: Final = {"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}
_SQLITE_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
)


def _configure_sqlite(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = (
            None  # we say BEGIN ourselves: the driver's deferred one invites lock errors
        )
        for pragma in pragmas:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)
