"""`status` and the first page of `jobs list`: seconds of the whole command, the interpreter's start included.

    python -m benchmarks.reads [jobs] [times] [--only WORDS]

Each is a process of its own, as a person starts it. Beside the seconds stand the processor's: what another
program takes away is not in them (the server's own are not either).
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import machine, postgres, stage, table
from benchmarks.fill import FillShape, fill
from orchestrator.app import open_app

COMMANDS = (
    "--version",
    "status",
    "status --json",
    "jobs list",
    "jobs list --json --limit 50",
    "jobs list --state failed",
    "jobs list --campaign bench",
    "jobs list --run r3",
    "jobs list --run r3 --state cancelled",
    "jobs list --tag client=acme",
    "jobs list --tag client=nobody",
)


@dataclass(frozen=True, slots=True)
class Took:
    """Medians of one command."""

    wall: float
    cpu: float


def timed(folder: Path, words: str, times: int) -> Took:
    """Run a command again and again."""
    program = [str(Path(sys.executable).with_name("orchestrator")), *words.split()]
    walls, cpus = [], []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run(program, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Took(median(walls), median(cpus))


@contextmanager
def places() -> Iterator[dict[str, Path]]:
    """A project folder on SQLite, and one on Postgres."""
    with (
        postgres.server() as server,
        server.migrated() as url,
    ):
        yield {"SQLite": stage.folder(), server.version: stage.folder(database_url=url)}


def main() -> None:
    parser = argparse.ArgumentParser(description="What a person waits for.")
    parser.add_argument("jobs", nargs="?", type=int, default=1_000_000)
    parser.add_argument("times", nargs="?", type=int, default=5, help="how often each command is run")
    parser.add_argument("--only", default="", help="run only commands that hold this")
    given = parser.parse_args()
    commands = [words for words in COMMANDS if given.only in words]
    jobs, times = given.jobs, given.times
    shape = FillShape(
        jobs, finished=0.6, failed=0.01, waiting=0.01, runs=4, outputs=True, tags='{"client": "acme"}'
    )
    os.environ.pop("ORCHESTRATOR_DATABASE_URL", None)
    with places() as folders:
        for folder in folders.values():
            with open_app(None, {}, folder) as app:
                fill(app.database, shape)
        took = {
            (words, name): timed(folder, words, times)
            for words in commands
            for name, folder in folders.items()
        }
        print(f"{machine.name()}\n{jobs:,} jobs in 4 runs, median of {times}\n")
        heads = [head for name in folders for head in (f"{name}, s", "CPU, s")]
        table.show(
            ["Command", *heads],
            [
                [
                    f"`{words}`",
                    *(
                        figure
                        for name in folders
                        for figure in (
                            table.at_most(took[words, name].wall, 0.5),
                            f"{took[words, name].cpu:.2f}",
                        )
                    ),
                ]
                for words in commands
            ],
        )


if __name__ == "__main__":
    main()
