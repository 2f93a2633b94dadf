"""Statements, locks and clocks that differ between SQLite and Postgres; `connections` has the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Insert, Select, Table, UpdateBase, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from orchestrator.store.db import schema_version

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def insert(conn: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows ON CONFLICT."""
    return insert_of(conn.dialect.name, table)


def insert_or_ignore(conn: Connection, table: Table) -> Insert:
    """An INSERT that leaves an existing row unchanged; built once per table."""
    return _insert_or_ignore(conn.dialect.name, table)


@cache
def _insert_or_ignore(dialect_name: str, table: Table) -> Insert:
    return insert_of(dialect_name, table).on_conflict_do_nothing()


def insert_of(dialect_name: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows ON CONFLICT, for a statement that is built once per dialect.

    Only the dialect in use is imported, because commands that only read should answer at once.
    """
    if dialect_name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def run_many(conn: Connection, statement: UpdateBase, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute the statement for each row, like `conn.execute(statement, rows)`; returns how many rows it
    affected.

    It is compiled once per set of columns, and the rows go straight to the driver: on the hot path,
    SQLAlchemy's handling of each row's parameters costs more than the work of the database.
    """
    if not rows:
        return 0
    made = _compiled(statement, conn.dialect, tuple(rows[0]))
    return conn.exec_driver_sql(made.sql, [made.parameters(row) for row in rows]).rowcount


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement compiled for the driver."""

    sql: str
    constants: Mapping[str, Any]  # parameters that the statement itself contains
    order: tuple[str, ...] | None  # of the parameters, where they are positional
    convert: tuple[tuple[str, Callable[[Any], Any]], ...]  # of values that the driver cannot take unchanged

    def parameters(self, row: Mapping[str, Any]) -> Any:
        values = {**self.constants, **row}
        for name, conversion in self.convert:
            values[name] = conversion(values[name])
        return values if self.order is None else tuple([values[name] for name in self.order])


@lru_cache(maxsize=256)
def _compiled(statement: UpdateBase, dialect: Dialect, columns: tuple[str, ...]) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)
    conversions = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for bind, name in compiled.bind_names.items()
    }
    return _Compiled(
        sql=compiled.string,
        constants={name: value for name, value in compiled.params.items() if name not in columns},
        order=tuple(compiled.positiontup) if compiled.positiontup is not None else None,
        convert=tuple(
            (name, conversion) for name, conversion in conversions.items() if conversion is not None
        ),
    )


@contextmanager
def hashed_groups(conn: Connection, *, few: bool) -> Iterator[None]:
    """Where the groups of a large statement are `few`, tell Postgres so: it takes an expression to be another
    for every tenth row, and would sort millions of rows on disk. SQLite has no other way than to sort.
    """
    if conn.dialect.name == "sqlite" or not few:
        yield
        return
    conn.exec_driver_sql("SET LOCAL enable_sort = off")
    yield
    conn.exec_driver_sql("SET LOCAL enable_sort TO DEFAULT")


def lock_rows(conn: Connection, query: Select[Any], *of: Table, skip_locked: bool = False) -> Select[Any]:
    """The query with row locks, on a server; in SQLite the transaction holds the only write lock already.

    A query that joins names the tables whose rows will change: a locked parent row would block every insert
    that refers to it, and could cause a deadlock.
    """
    if conn.dialect.name == "sqlite":
        return query
    return query.with_for_update(of=list(of) or None, skip_locked=skip_locked)


def lock_inserts(conn: Connection, table: Table) -> None:
    """Until this transaction ends, no other transaction that calls this inserts into the table; reads and
    updates go on.
    """
    if conn.dialect.name != "sqlite":
        conn.execute(text(f"LOCK TABLE {table.name} IN SHARE UPDATE EXCLUSIVE MODE"))


def lock_writers(conn: Connection, table: Table) -> None:
    """Wait until no other transaction is inserting into the table, and let none begin until this one ends:
    then every id up to the highest is there, or never will be. In SQLite there is one writer anyway.
    """
    if conn.dialect.name != "sqlite":
        conn.execute(text(f"LOCK TABLE {table.name} IN SHARE MODE"))


LOCK_WAIT_SECONDS: Final = 1
"""How long a migration waits for a lock at a time; every transaction queued behind it waits as long."""


def lock_schema(conn: Connection) -> None:
    """Until this transaction ends, no other transaction writes or migrates. Raises the driver's error after
    `LOCK_WAIT_SECONDS`.

    In SQLite the transaction holds the only write lock already. On a server it locks the table of the
    revision, which every writer reads. That also works behind a pooler that assigns connections per
    transaction, where a session lock would not.
    """
    if conn.dialect.name == "sqlite":
        return
    conn.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'")
    conn.exec_driver_sql(_MAKE_REVISION_TABLE)
    conn.exec_driver_sql(f"LOCK TABLE {schema_version.TABLE} IN ACCESS EXCLUSIVE MODE")


def is_lock_refused(error: DBAPIError) -> bool:
    """Whether a migration failed because of another transaction, and may be tried again in full."""
    state = getattr(error.orig, "sqlstate", None)
    made_at_once = state == _UNIQUE_VIOLATION and (error.statement or "").startswith(_MAKE_REVISION_TABLE)
    return made_at_once or state in _LOCK_REFUSED


def server_now_ms(conn: Connection) -> int | None:
    """The clock of the database server; None for SQLite, which uses this host's."""
    if conn.dialect.name == "sqlite":
        return None
    return int(
        conn.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")).scalar_one()
    )


SILENT_MS: Final = 30_000
"""How long a worker may fall silent inside a write transaction before the server undoes it."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a write transaction reads first: the server's clock, the revision of the schema, and the id of
    the database. For SQLite clock and id are None: its clock is this host's, and its file is watched.
    """

    now_ms: int | None
    revision: str | None
    database_id: str | None = None


def opening(conn: Connection) -> Opening:
    """Clock and revision, in one statement.

    On a server, reading the revision takes a lock that lasts until the transaction ends and that a migration
    has to wait for; see `schema_version.TABLE`. The clock is read after that lock was granted, so the time is
    not stale after a wait. The server also ends a transaction whose worker falls silent in the middle of it
    (frozen, or cut off), because its locks would block all other workers. That setting is limited to this
    transaction, so it works behind a pooler.
    """
    if conn.dialect.name == "sqlite":
        driver = conn.connection.driver_connection
        assert driver is not None
        row = driver.execute(_REVISION).fetchone()  # without SQLAlchemy, because every transaction reads it
        return Opening(None, row[0] if row else None)
    now_ms, revision, database_id, _ = conn.exec_driver_sql(
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,"  # noqa: S608
        f" ({_REVISION}), ({_DATABASE_ID}),"
        f" set_config('idle_in_transaction_session_timeout', '{SILENT_MS}', true)"
    ).one()
    return Opening(int(now_ms), revision, database_id)


_REVISION: Final = f"SELECT version_num FROM {schema_version.TABLE}"  # noqa: S608 - constants of ours
_DATABASE_ID: Final = "SELECT value FROM meta WHERE key = 'database_id'"
_LOCK_REFUSED: Final = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
_UNIQUE_VIOLATION: Final = "23505"  # when two migrations create the first table at once, one gets this
_MAKE_REVISION_TABLE: Final = (
    f"CREATE TABLE IF NOT EXISTS {schema_version.TABLE} "
    f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {schema_version.TABLE}_pkc PRIMARY KEY (version_num))"
)
