"""The database of a simulating process: one SQLite file in memory, or one on a Postgres server; emptied
between seeds."""

import contextlib
import os
import sqlite3
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from orchestrator.store.db import connections, migrate
from orchestrator.store.db.database_url import parse_url
from orchestrator.store.db.schema import metadata
from tests.support.postgres import own_postgres
from tests.support.times import FakeClock

from .database import KeptEngine, SimDatabase
from .watch import POSTGRES_TRIGGERS, SQLITE_TRIGGERS, PostgresWatch, SqliteWatch, Watch

MEMORY = Path("/dev/shm")


class Bench:
    """A migrated database with triggers for the checker, and a picture to upload."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.folder = folder
        migrate.upgrade(url)
        photo = folder / "a.png"
        photo.write_bytes(b"a picture")
        self.photo = (photo, sha256(b"a picture").hexdigest(), 9)
        self.database = SimDatabase(parse_url(url), FakeClock(), clock_from_server=False)

    def watch(self) -> Watch:
        """A connection for the checker."""
        raise NotImplementedError

    def wipe(self) -> None:
        """Delete every row."""
        raise NotImplementedError

    def backup(self) -> Any:
        """All that the database holds now."""
        raise NotImplementedError

    def restore(self, kept: Any) -> None:
        """Make it what it was."""
        raise NotImplementedError

    def close(self) -> None:
        """Close its connections."""
        self.database.close()


class SqliteBench(Bench):
    """A file, its two connections kept open."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "simulated.db")
        super().__init__(folder, f"sqlite:///{self._path}")
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.executescript(SQLITE_TRIGGERS)
        self.database.close()
        writer = KeptEngine(connections.writer_engine(self.database.url), "BEGIN IMMEDIATE")
        reader = KeptEngine(connections.reader_engine(self.database.url), "BEGIN")
        self.database._writer, self.database._reader = writer, reader  # type: ignore[assignment]
        with self.database.write():
            pass
        self._driver = writer.connection.driver
        self._driver.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug of a simulation

    def watch(self) -> Watch:
        return SqliteWatch(self._path)

    def wipe(self) -> None:
        self._driver.execute("BEGIN IMMEDIATE")
        for table in (*reversed(metadata.sorted_tables), "watched"):
            self._driver.execute(f"DELETE FROM {table}")
        self._driver.execute("COMMIT")

    def backup(self) -> Any:
        kept = sqlite3.connect(":memory:")
        self._driver.backup(kept)
        return kept

    def restore(self, kept: Any) -> None:
        kept.backup(self._driver)
        kept.close()


class PostgresBench(Bench):
    """A database on a server of our own. Its connections come from the program's own pools."""

    def __init__(self, folder: Path, url: str, conninfo: str) -> None:
        self._conninfo = conninfo
        super().__init__(folder, url)
        self._admin = psycopg.connect(conninfo, autocommit=True)
        self._admin.execute(POSTGRES_TRIGGERS)
        self._tables = [table.name for table in metadata.sorted_tables]

    def watch(self) -> Watch:
        return PostgresWatch(self._conninfo)

    def close(self) -> None:
        self._admin.close()
        super().close()

    def wipe(self) -> None:
        self._admin.execute(f"TRUNCATE {', '.join((*self._tables, 'watched'))} RESTART IDENTITY")
        self.database.forget()

    def backup(self) -> Any:
        with self.database.read() as tx:
            return {
                table.name: [dict(row._mapping) for row in tx.conn.execute(table.select())]
                for table in metadata.sorted_tables
            }

    def restore(self, kept: Any) -> None:
        with self.database.write() as tx:
            tx.conn.exec_driver_sql(
                "SET LOCAL session_replication_role = replica"
            )  # no triggers, as in a restore
            tx.conn.exec_driver_sql(f"TRUNCATE {', '.join(self._tables)}")
            for table in metadata.sorted_tables:
                if kept[table.name]:
                    tx.conn.execute(table.insert(), kept[table.name])


class Benches:
    """The databases of this process, made when first asked for.

    Processes of a pool end without a chance to clean up: their parent hands them its own folder, and its own
    server.
    """

    def __init__(self) -> None:
        self._made: dict[str, Bench] = {}
        self._open = contextlib.ExitStack()
        self._folder: Path | None = None
        self._server: tuple[str, str] | None = None

    def get(self, kind: str) -> Bench:
        """The bench on sqlite or postgres."""
        if kind not in self._made:
            self._made[kind] = self._sqlite() if kind == "sqlite" else self._postgres()
        return self._made[kind]

    def shared(self, kind: str) -> tuple[Path, tuple[str, str] | None]:
        """What another process needs to make a bench of that kind: see `adopt`."""
        return self._home(), self._started() if kind == "postgres" else None

    def adopt(self, folder: Path, server: tuple[str, str] | None) -> None:
        """Use what another process has opened and will close."""
        self._folder, self._server = folder, server

    def close(self) -> None:
        """Close and remove all."""
        for made in self._made.values():
            made.close()
        self._made.clear()
        self._folder = self._server = None
        self._open.close()

    def _home(self) -> Path:
        if self._folder is None:
            root = MEMORY if os.access(MEMORY, os.W_OK) else None
            self._folder = Path(
                self._open.enter_context(tempfile.TemporaryDirectory(prefix="simulation-", dir=root))
            )
        return self._folder

    def _started(self) -> tuple[str, str]:
        """URL and conninfo of the server, with the name of a database to be filled in."""
        if self._server is None:
            server = self._open.enter_context(own_postgres())
            self._server = server.url("{name}"), server.conninfo("{name}")
        return self._server

    def _own_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._home()))

    def _sqlite(self) -> Bench:
        return SqliteBench(self._own_folder())

    def _postgres(self) -> Bench:
        url, conninfo = self._started()
        name = f"simulated_{os.getpid()}"
        with psycopg.connect(conninfo.format(name="postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return PostgresBench(self._own_folder(), url.format(name=name), conninfo.format(name=name))


benches = Benches()
