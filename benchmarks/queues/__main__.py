"""Other queues running the bare script's submit-poll-download coroutine, against the orchestrator.

    uv sync --group bench, then
    python -m benchmarks.queues [jobs] [task seconds] [--only NAME]

Same transport, same sandbox, same Postgres server with everything durable, each with one worker in a process
of its own and a database of its own; jobs are enqueued beforehand and not counted. The others keep a job's
state and nothing else: no ledger, no hash, no decoding, no fsync of pictures, no prediction id. The
orchestrator does all of its checks.
"""

import argparse
import importlib
from importlib.metadata import version

from benchmarks import lifecycle, machine, postgres, process, scratch, script, stage, table
from benchmarks.lifecycle import LifecycleRow, Load

OURS = "orchestrator"
OTHERS = ("procrastinate", "pgqueuer", "dbos")


def other(name: str, load: Load, server: postgres.Postgres) -> LifecycleRow:
    """One of the other queues."""
    module = importlib.import_module(f"benchmarks.queues.{name}")
    with load.sandbox() as sandbox, server.database("queue") as uri:
        process.run(module.prepare, uri, load.jobs)
        job = script.Job(sandbox.url, load.task_seconds, scratch.folder())
        return lifecycle.measured(
            module.work, uri, job, load.jobs, sandbox=sandbox, database=server, jobs=load.jobs
        )


def measure(load: Load, only: str) -> dict[str, LifecycleRow]:
    """Everybody, one after the other; the orchestrator first."""
    with postgres.server() as server:
        rows = {OURS: lifecycle.orchestrator(load, server)}
        for name in OTHERS:
            if only in name:
                rows[name] = other(name, load, server)
        return rows


def show(rows: dict[str, LifecycleRow]) -> None:
    """The table: ahead of each, in jobs a second and in processor time."""
    ours = rows[OURS]
    lines = []
    for title, row in rows.items():
        ahead = "" if title == OURS else table.ahead(ours.rate / row.rate, row.client_ms / ours.client_ms)
        name = title if title == OURS else f"{title} {version(title)}"
        delays = row.judged.delays
        late = f"{stage.percentile(delays, 0.5):.2f} / {stage.percentile(delays, 0.95):.2f}"
        figures = (
            f"{row.rate:,.0f}",
            f"{row.client_ms:.2f}",
            f"{row.database_ms:.2f}",
            f"{row.memory_mb:.0f}",
        )
        lines.append((name, *figures, f"{row.judged.looks:.1f}", late, ahead))
    heads = (
        "What",
        "Jobs/s",
        "CPU ms/job",
        "of Postgres",
        "Memory MB",
        "Polls/job",
        "Noticed late by p50 / p95 s",
    )
    table.show((*heads, "The orchestrator is ahead (target: of each, in both)"), lines)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description="Other queues, side by side.")
    parser.add_argument("jobs", nargs="?", type=int, default=5_000)
    parser.add_argument("seconds", nargs="?", type=float, default=2.0, help="how long a task takes")
    parser.add_argument("--only", default="", help="run only queues whose name holds this")
    given = parser.parse_args()
    rows = measure(Load(given.jobs, given.seconds), given.only)
    print(
        f"{machine.name()}\n{given.jobs:,} jobs, tasks of {given.seconds:g} s, pictures of 20 KB, one worker "
        "each\n"
    )
    show(rows)


if __name__ == "__main__":
    main()
