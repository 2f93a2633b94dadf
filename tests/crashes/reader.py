"""The program's database as the judge sees it: read-only, by plain SQL that both kinds understand, at one
moment.

It uses nothing of the program's own code.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]


class StoreReader(Protocol):
    """An open look at a database."""

    def rows(self, query: str) -> list[Row]:
        """Every row of a query, columns by name."""
        ...

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its data."""
        ...

    def has_tables(self) -> bool:
        """Whether the schema is there."""
        ...


class Store(Protocol):
    """Where a stage keeps its state."""

    @property
    def url(self) -> str:
        """For the program's configuration."""
        ...

    @property
    def exists(self) -> bool:
        """Whether there is a database at all."""
        ...

    def opened(self) -> Any:
        """A context manager that gives `Books`."""
        ...


@dataclass(frozen=True)
class SqliteStore:
    """A file."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path.name}"

    @property
    def exists(self) -> bool:
        return self.path.exists()

    @contextmanager
    def opened(self) -> Iterator["SqliteReader"]:
        """A copy of the file as it lies there: looking must not recover what the next worker is to
        recover."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / self.path.name
            for suffix in ("", "-wal"):
                if (source := self.path.with_name(self.path.name + suffix)).exists():
                    shutil.copyfile(source, copy.with_name(copy.name + suffix))
            with closing(sqlite3.connect(copy)) as conn:
                conn.row_factory = sqlite3.Row
                yield SqliteReader(conn)


class SqliteReader:
    """An open copy of a file."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def rows(self, query: str) -> list[Row]:
        return [dict(row) for row in self._conn.execute(query)]

    def damage(self) -> list[str]:
        try:
            (answer,) = self._conn.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError as error:
            answer = error
        found = [] if answer == "ok" else [f"integrity_check: {answer}"]
        if self._conn.execute("PRAGMA foreign_key_check").fetchall():
            found.append("a foreign key points nowhere")
        return found

    def has_tables(self) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE name = 'attempts'"))


@dataclass(frozen=True)
class PostgresStore:
    """A database of a server. The judge goes straight to it, whatever way the program is given in `url`."""

    conninfo: str
    url: str
    exists: bool = True

    @contextmanager
    def opened(self) -> Iterator["PostgresReader"]:
        """One snapshot."""
        with psycopg.connect(self.conninfo, row_factory=dict_row) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield PostgresReader(conn)


class PostgresReader:
    """An open transaction."""

    def __init__(self, conn: psycopg.Connection[Row]) -> None:
        self._conn = conn

    def rows(self, query: str) -> list[Row]:
        return self._conn.execute(query).fetchall()  # type: ignore[arg-type]

    def damage(self) -> list[str]:
        unproven = self.rows("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        return [f"constraint {row['conname']} is not validated" for row in unproven]

    def has_tables(self) -> bool:
        return bool(self.rows("SELECT 1 FROM pg_tables WHERE tablename = 'attempts'"))
