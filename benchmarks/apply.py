"""`apply` from a CSV, templates and validation included: rows a second, memory, and applying again.

    python -m benchmarks.apply [rows] [--only sqlite]

On SQLite FULL and on Postgres, side by side with the fastest bare insert of the same rows into the same
tables: executemany in the driver, and COPY. Templates, every check, output paths, keys and look-ups are what
`apply` does beside inserting.
"""

import argparse
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import machine, postgres, process, stage, table
from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.app import open_app

CHUNK = 10_000  # of the bare insert; larger ones were not faster
PARENTS = ("campaigns", "runs", "lanes")
TABLES = {"jobs": "id", "job_specs": "job_id", "outputs": "job_id"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one database, and megabytes."""

    bare: float
    first: float
    again: float
    memory: float


def ours(ready: Callable[[], None], folder: Path) -> float:
    """Seconds of one `apply`, reading the manifest included."""
    with open_app(None, {}, folder) as app:
        ready()
        began = time.perf_counter()
        apply(app.database, load_manifests([folder / "bench.yaml"], app.settings, app.clock.now_ms()))
        return time.perf_counter() - began


def bare_sqlite(ready: Callable[[], None], folder: Path, rows: int) -> float:
    """Seconds of executemany alone, FULL, into the same tables: indexes, checks and foreign keys as ours."""
    source = sqlite3.connect(folder / "orchestrator.db")
    target = sqlite3.connect(folder / "bare.db", isolation_level=None)
    target.execute("PRAGMA journal_mode = WAL")
    target.execute("PRAGMA synchronous = FULL")
    for (statement,) in source.execute(
        "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
    ):
        target.execute(statement)
    for name in PARENTS:
        rows_above = source.execute(f"SELECT * FROM {name}").fetchall()
        target.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows_above[0]))})", rows_above)
    target.execute("PRAGMA foreign_keys = ON")
    ready()
    seconds = 0.0
    for first in range(0, rows, CHUNK):
        chunks = [
            (
                name,
                source.execute(
                    f"SELECT * FROM {name} WHERE {column} > ? AND {column} <= ?", (first, first + CHUNK)
                ).fetchall(),
            )
            for name, column in TABLES.items()
        ]
        began = time.perf_counter()
        target.execute("BEGIN IMMEDIATE")
        for name, chunk in chunks:
            target.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(chunk[0]))})", chunk)
        target.execute("COMMIT")
        seconds += time.perf_counter() - began
    return seconds


def bare_postgres(ready: Callable[[], None], uri: str, rows: int) -> float:
    """Seconds of COPY alone, into the same tables: indexes, checks and foreign keys as ours."""
    with psycopg.connect(uri) as source, psycopg.connect(uri) as target:
        keys = source.execute(_FOREIGN_KEYS, [list(TABLES)]).fetchall()
        source.rollback()
        target.execute("CREATE SCHEMA bare")
        target.execute("SET search_path = bare, public")  # a key to jobs means the new jobs
        for name in TABLES:
            target.execute(f"CREATE TABLE bare.{name} (LIKE public.{name} INCLUDING ALL)")
        for name, definition in keys:
            target.execute(f"ALTER TABLE bare.{name} ADD {definition}")
        target.commit()
        ready()
        seconds = 0.0
        for first in range(0, rows, CHUNK):
            chunks = [
                (name, list(_copied(source=source, name=name, column=column, first=first)))
                for name, column in TABLES.items()
            ]
            began = time.perf_counter()
            for name, chunk in chunks:
                with target.cursor() as cursor, cursor.copy(f"COPY bare.{name} FROM STDIN") as copy:
                    for row in chunk:
                        copy.write_row(row)
            target.commit()
            seconds += time.perf_counter() - began
        return seconds


_FOREIGN_KEYS = """
    SELECT relname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype = 'f' AND relname = ANY(%s)
"""


def _copied(source: Any, name: str, column: str, first: int) -> Iterator[tuple[Any, ...]]:
    """Rows as the text of COPY has them: JSON is not read and written again."""
    query = f"COPY (SELECT * FROM {name} WHERE {column} > {first} AND {column} <= {first + CHUNK}) TO STDOUT"
    with source.cursor() as cursor, cursor.copy(query) as copy:
        yield from copy.rows()


def measured(folder: Path, bare: Callable[..., float], *arguments: Any) -> Measured:
    """Apply, apply again, and insert the same rows barely, each in a process of its own."""
    first, again = process.run(ours, folder), process.run(ours, folder)
    floor = process.run(bare, *arguments)
    return Measured(
        bare=floor.results[0],
        first=first.results[0],
        again=again.results[0],
        memory=max(first.memory_mb, again.memory_mb),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Applying, side by side with a bare insert.")
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("--only", choices=["sqlite", "postgres"], help="one database (default: both)")
    given = parser.parse_args()
    rows: int = given.rows
    found: dict[str, Measured] = {}
    if given.only != "postgres":
        folder = stage.folder()
        stage.manifest(folder, rows)
        found["SQLite FULL"] = measured(folder, bare_sqlite, folder, rows)
    if given.only != "sqlite":
        with postgres.server() as server, server.migrated() as url:
            folder = stage.folder(database_url=url)
            stage.manifest(folder, rows)
            uri = url.replace("postgresql+psycopg://", "postgresql://")
            found[server.version] = measured(folder, bare_postgres, uri, rows)
    print(f"{machine.name()}\n{rows:,} jobs from a CSV\n")
    table.show(
        ["Database", "bare insert, s", "apply, s", "jobs/s", "apply / bare", "again / first", "memory"],
        [
            [
                name,
                f"{one.bare:.1f}",
                f"{one.first:.1f}",
                f"{rows / one.first:,.0f}",
                table.at_most(one.first / one.bare, 3),
                table.at_most(one.again / one.first, 0.6),
                table.at_most(one.memory, 300, " MB"),
            ]
            for name, one in found.items()
        ],
    )


if __name__ == "__main__":
    main()
