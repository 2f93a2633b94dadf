"""The whole lifecycle, 5,000 in flight: jobs a second, CPU a job, how late a finished task is noticed,
memory.

    python -m benchmarks.lifecycle [jobs] [task seconds] [--only WORDS]

Side by side, each in a process of its own, against a sandbox in its own process that serves cached pictures
of 20 KB: the orchestrator with everything on (ledger, hash, decode, fsync, sidecar), with SQLite FULL, with
Postgres, and with three workers on Postgres; a bare script on the same transport that keeps nothing; and the
same script on httpx's own transport.
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from benchmarks import machine, ours, postgres, process, scratch, script, stage, table

DEFAULT_TRANSPORT_SECONDS_MAX = 45.0
"""What it has finished by then counts."""

BARE, DEFAULT = "bare script, the same transport", "bare script, httpx's own transport"
SQLITE, ONE, THREE = (
    "orchestrator, SQLite FULL",
    "orchestrator, Postgres, 1 worker",
    "orchestrator, Postgres, 3 workers",
)


@dataclass(frozen=True, slots=True)
class LifecycleRow:
    """What one contestant did. Milliseconds are processor time for each finished job."""

    jobs: int
    rate: float
    client_ms: float
    sandbox_ms: float
    memory_mb: float
    judged: stage.Judged
    database_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """What everybody has to do."""

    jobs: int
    task_seconds: float

    def sandbox(self) -> Any:
        """A fresh provider, whose tasks all take the same time."""
        return stage.sandbox(latency_median=self.task_seconds, latency_sigma=0.0)


def bare(load: Load, *, default: bool) -> LifecycleRow:
    """The script. It is told how long a task takes, so that its first poll is never in vain."""
    with load.sandbox() as sandbox:
        job = script.Job(sandbox.url, load.task_seconds, scratch.folder())
        limit = DEFAULT_TRANSPORT_SECONDS_MAX if default else 3600.0
        before = sandbox.cpu_seconds()
        used = process.run(script.run, job, load.jobs, default, limit)
        (done,) = used.results
        return _row(jobs=done, used=used, sandbox=sandbox, sandbox_before=before)


def orchestrator(load: Load, database: postgres.Postgres | None = None, workers: int = 1) -> LifecycleRow:
    """Workers until all is done; the whole time counts, from their start signal to the last one's end."""
    with load.sandbox() as sandbox, _database_url(database) as url:
        path = ours.project(sandbox.url, load.jobs, url)
        row = measured(ours.work, path, sandbox=sandbox, database=database, jobs=load.jobs, processes=workers)
        ours.check_all_done(path, load.jobs)
        return row


def measured(
    contestant: process.Contestant,
    *arguments: Any,
    sandbox: stage.SandboxProcess,
    database: postgres.Postgres | None,
    jobs: int,
    processes: int = 1,
) -> LifecycleRow:
    """Run a contestant that finishes `jobs` jobs."""
    sandbox_before, database_before = sandbox.cpu_seconds(), database.cpu_seconds() if database else 0.0
    used = process.run(contestant, *arguments, processes=processes)
    row = _row(jobs=jobs, used=used, sandbox=sandbox, sandbox_before=sandbox_before)
    if database is None:
        return row
    return replace(row, database_ms=1000 * (database.cpu_seconds() - database_before) / jobs)


@contextmanager
def _database_url(database: postgres.Postgres | None) -> Iterator[str | None]:
    if database is None:
        yield None
        return
    with database.migrated() as url:
        yield url


def _row(jobs: int, used: process.Used, sandbox: stage.SandboxProcess, sandbox_before: float) -> LifecycleRow:
    each = 1000 / max(jobs, 1)
    return LifecycleRow(
        jobs=jobs,
        rate=jobs / used.wall_seconds,
        client_ms=used.cpu_seconds * each,
        sandbox_ms=(sandbox.cpu_seconds() - sandbox_before) * each,
        memory_mb=used.memory_mb,
        judged=sandbox.judge(),
    )


def measure(load: Load, wanted: str) -> dict[str, LifecycleRow]:
    """Every contestant whose title holds `wanted`, one after the other; the bare script always runs."""
    with ExitStack() as stack:
        server = cache(lambda: stack.enter_context(postgres.server()))
        contestants = {
            BARE: lambda: bare(load, default=False),
            SQLITE: lambda: orchestrator(load),
            ONE: lambda: orchestrator(load, server()),
            THREE: lambda: orchestrator(load, server(), workers=3),
            DEFAULT: lambda: bare(load, default=True),
        }
        return {title: run() for title, run in contestants.items() if title == BARE or wanted in title}


def show(rows: dict[str, LifecycleRow]) -> None:
    """The table, with each target beside its figure."""
    floor = rows[BARE].rate
    targets = {SQLITE: 0.75, ONE: 0.65, THREE: 0.65}
    heads = ("What", "Jobs/s", "Ratio to the first", "CPU ms/job", "of the sandbox", "of Postgres")
    more = ("Polls/job", "Noticed late by p50 / p95 s", "Memory MB")
    lines = []
    for title, row in rows.items():
        ratio = row.rate / floor
        delays = row.judged.delays
        lines.append(
            (
                title,
                f"{row.rate:,.0f}",
                table.at_least(ratio, targets[title]) if title in targets else f"{ratio:.2f}",
                f"{row.client_ms:.2f}",
                f"{row.sandbox_ms:.2f}",
                f"{row.database_ms:.2f}" if row.database_ms else "",
                f"{row.judged.looks:.1f}",
                f"{stage.percentile(delays, 0.5):.2f} / {stage.percentile(delays, 0.95):.2f}",
                f"{row.memory_mb:.0f}",
            )
        )
    table.show((*heads, *more), lines)
    if SQLITE in rows and DEFAULT in rows:
        times = rows[SQLITE].rate / max(rows[DEFAULT].rate, 0.01)
        print(
            "The orchestrator on SQLite against the script on httpx's own transport: "
            f"{table.at_least(times, 4)}."
        )


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description="The whole lifecycle, side by side.")
    parser.add_argument("jobs", nargs="?", type=int, default=5_000)
    parser.add_argument("seconds", nargs="?", type=float, default=2.0, help="how long a task takes")
    parser.add_argument("--only", default="", help="run only contestants whose title holds this")
    given = parser.parse_args()
    rows = measure(Load(given.jobs, given.seconds), given.only)
    print(
        f"{machine.name()}\n{given.jobs:,} jobs, tasks of {given.seconds:g} s, pictures of 20 KB, 5,000 in "
        "flight\n"
    )
    show(rows)


if __name__ == "__main__":
    main()
