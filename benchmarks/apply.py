"""`apply` from a CSV, templates and validation included: rows a second, memory, and applying again.

python -m benchmarks.apply [rows]
"""

import resource
import sqlite3
import sys
import time
from pathlib import Path

from benchmarks import machine, stage
from orchestrator.actions.apply import apply
from orchestrator.actions.manifests import load_manifests
from orchestrator.app import open_app


def once(path: Path, file: Path) -> float:
    """Seconds of one `apply`."""
    with open_app(None, {}, path) as app:
        began = time.perf_counter()
        apply(app.database, load_manifests([file], app.settings, app.clock.now_ms()))
        return time.perf_counter() - began


def bare(path: Path, rows: int) -> float:
    """Seconds of the fastest bare insert of the same three rows a job: executemany in the driver, FULL."""
    source = sqlite3.connect(path / "orchestrator.db")
    target = sqlite3.connect(path / "bare.db", isolation_level=None)
    target.execute("PRAGMA journal_mode = WAL")
    target.execute("PRAGMA synchronous = FULL")
    for (statement,) in source.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    ):
        target.execute(statement)
    began = 0.0
    for first in range(0, rows, 10_000):
        for table in ("jobs", "job_specs", "outputs"):
            column = "id" if table == "jobs" else "job_id"
            chunk = source.execute(
                f"SELECT * FROM {table} WHERE {column} > ? AND {column} <= ?", (first, first + 10_000)
            ).fetchall()
            marks = ", ".join("?" * len(chunk[0]))
            start = time.perf_counter()
            target.execute("BEGIN IMMEDIATE")
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", chunk)
            target.execute("COMMIT")
            began += time.perf_counter() - start
    return began


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with stage.folder() as path:
        file = stage.manifest(path, rows)
        first = once(path, file)
        again = once(path, file)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        floor = bare(path, rows)
    print(f"{machine.name()}\n")
    print("| What | Seconds | Rows/s | Ratio |")
    print("|---|--:|--:|--:|")
    print(f"| bare insert of the same rows | {floor:.2f} | {rows / floor:,.0f} | 1.0 |")
    print(f"| apply, {rows:,} jobs | {first:.2f} | {rows / first:,.0f} | {first / floor:.1f} |")
    print(f"| apply again | {again:.2f} | {rows / again:,.0f} | {again / first:.2f} of the first |")
    print(f"\nResident memory at most {memory:.0f} MB.")


if __name__ == "__main__":
    main()
