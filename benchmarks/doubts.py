"""Lost replies: how long a batch takes whose provider loses a third of them, and what is left to a person.

    python -m benchmarks.doubts [jobs] [--slots 8] [--seed 1] [--only "list without inputs"]

Half of the lost requests have created a task. Some replies end in a reset connection, after which the
provider may still act on the request; some are its own HTTP 500, after which it does not. One worker on
SQLite FULL, the sandbox in its own process, tasks of 2 s, a settle delay of 2 s. The targets are for 60 jobs
and 8 slots.
"""

import argparse
import contextlib
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, ours, process, stage, table
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.faults.script import Faults

JOBS = 60
KINDS = (
    Fault.SUBMIT_DROP_BEFORE,
    Fault.SUBMIT_DROP_AFTER,
    Fault.SUBMIT_ERROR_500,
    Fault.SUBMIT_ERROR_500_AFTER,
)
SHARE_LOST = 1 / 3
SECONDS_MAX = {"list without inputs": 35.0, "list with inputs": 20.0}
"""The worlds, and how long 60 jobs may take in each."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of one world."""

    seconds: float
    lost: int  # replies
    accepted: int  # of those, after a task was created
    left: int  # doubts that only a person can end
    twice: int  # jobs that were paid for twice


def run(world: str, jobs: int, *, slots: int, seed: int) -> BatchOutcome:
    """Work on `jobs` jobs once; raises RuntimeError when anything is left but doubts."""
    faults = Faults(rates=dict.fromkeys(KINDS, SHARE_LOST / len(KINDS)))
    shown = {"list_inputs": world == "list with inputs"}
    with stage.sandbox(latency_median=2.0, latency_sigma=0.0, faults=faults, seed=seed, **shown) as sandbox:
        limits = f"{{level: ultra, concurrency: {slots}, submits_per_minute: 100000}}"
        path = ours.project(sandbox.url, jobs, limits=limits, in_doubt="{settle_seconds: 2}")
        used = process.run(ours.work, path)
        bill = sandbox.bill()
    lost = {kind: int(bill["faults"].get(kind.value, 0)) for kind in KINDS}
    return BatchOutcome(
        seconds=used.wall_seconds,
        lost=sum(lost.values()),
        accepted=sum(number for kind, number in lost.items() if kind.value.endswith("_after")),
        left=doubts_left(path),
        twice=paid_twice(bill),
    )


def doubts_left(path: Path) -> int:
    """How many jobs wait for a person; all others must have succeeded."""
    with contextlib.closing(sqlite3.connect(path / "orchestrator.db")) as database:
        states = dict(database.execute("SELECT state, count(*) FROM jobs GROUP BY state"))
        doubts = int(database.execute("SELECT count(*) FROM attempts WHERE state = 'in_doubt'").fetchone()[0])
    if states.keys() - {"succeeded", "running"} or states.get("running", 0) != doubts:
        raise RuntimeError(f"jobs are neither done nor in doubt: {states}, {doubts} in doubt")
    return doubts


def paid_twice(bill: dict[str, Any]) -> int:
    """How many jobs have more than one task: each asks for another picture."""
    asked = Counter(task["inputs"]["prompt"] for task in bill["tasks"])
    return sum(number > 1 for number in asked.values())


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description="A batch whose provider loses a third of its replies.")
    parser.add_argument("jobs", nargs="?", type=int, default=JOBS)
    parser.add_argument("--slots", type=int, default=8, help="tasks at once")
    parser.add_argument("--seed", type=int, default=1, help="of the sandbox: which replies are lost")
    parser.add_argument("--only", choices=SECONDS_MAX, help="one world")
    given = parser.parse_args()
    print(f"{machine.name()}\n{given.jobs} jobs, {given.slots} slots, a third of the replies lost\n")
    rows = []
    for world in [given.only] if given.only else SECONDS_MAX:
        found = run(world, given.jobs, slots=given.slots, seed=given.seed)
        left_max = found.accepted if world == "list without inputs" else 0
        rows.append(
            (
                world,
                table.at_most(found.seconds, SECONDS_MAX[world], " s"),
                found.lost,
                found.accepted,
                table.at_most(found.left, left_max, " "),
                table.at_most(found.twice, 0, " "),
            )
        )
    table.show(
        ("World", "Ends in", "Replies lost", "After acceptance", "Left to a person", "Paid twice"), rows
    )


if __name__ == "__main__":
    main()
