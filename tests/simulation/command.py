"""The command line of the simulation."""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from .checker import ATTEMPT_EDGES, JOB_EDGES, MONEY_EDGES
from .plan import FAULTS
from .simulation import Result, simulate


@dataclass
class Summary:
    """What many seeds did."""

    seeds: int = 0
    commits: int = 0
    posts: int = 0
    virtual_seconds: float = 0.0
    misadopted: int = 0
    uncertain: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str, str]] = field(default_factory=list)  # seed, message, timeline

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.commits += result.timeline.commits
        self.posts += result.posts
        self.virtual_seconds += result.virtual_seconds
        self.misadopted += result.misadopted
        self.uncertain += result.uncertain
        self.faults.update(result.timeline.faults)
        self.edges.update(result.timeline.edges)
        if result.failure is not None:
            self.failures.append((result.seed, result.failure, result.timeline.text(200) + result.detail))

    def merge(self, other: "Summary") -> None:
        self.seeds += other.seeds
        self.commits += other.commits
        self.posts += other.posts
        self.virtual_seconds += other.virtual_seconds
        self.misadopted += other.misadopted
        self.uncertain += other.uncertain
        self.faults.update(other.faults)
        self.edges.update(other.edges)
        self.failures.extend(other.failures)

    def text(self, seconds: float) -> str:
        lines = [
            f"seeds {self.seeds}  commits {self.commits}  POSTs {self.posts}",
            f"virtual days {self.virtual_seconds / 86_400:.1f}  seconds {seconds:.1f}  violations {len(self.failures)}",
            f"misadopted where the list shows no inputs {self.misadopted} (in {self.uncertain} seeds)",
            "faults  " + "  ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items())),
            "edges   " + "  ".join(f"{edge} {count}" for edge, count in sorted(self.edges.items())),
        ]
        unseen = self.unseen()
        if unseen:
            lines.append("never seen  " + ", ".join(unseen))
        return "\n".join(lines)

    def unseen(self) -> list[str]:
        """Faults that never struck and legal edges that nothing took: what these seeds say nothing about."""
        edges = {f"attempt {edge}" for edge in ATTEMPT_EDGES} | {f"job {edge}" for edge in JOB_EDGES}
        edges |= {f"money {edge}" for edge in MONEY_EDGES}
        return sorted((set(FAULTS) - set(self.faults)) | (edges - set(self.edges)))


def many(seeds: range | list[int]) -> Summary:
    """Run seeds in this process."""
    summary = Summary()
    for seed in seeds:
        summary.add(simulate(seed))
    return summary


def main() -> int:
    """Parse, run, print; 1 when a seed failed."""
    words = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    words.add_argument("--seeds", type=int, default=1000, help="how many")
    words.add_argument("--first", type=int, default=0, help="the first one")
    words.add_argument("--jobs", type=int, default=2, help="processes")
    words.add_argument("--seed", type=int, help="one seed, with its whole timeline")
    words.add_argument("--show", type=int, default=3, help="failing seeds shown in full")
    given = words.parse_args()
    if given.seed is not None:
        return _one(given.seed)
    began = time.monotonic()
    chunks = [
        list(range(start, min(start + 25, given.first + given.seeds)))
        for start in range(given.first, given.first + given.seeds, 25)
    ]
    summary = Summary()
    if given.jobs == 1:
        for chunk in chunks:
            summary.merge(many(chunk))
    else:
        with ProcessPoolExecutor(given.jobs) as pool:
            for part in pool.map(many, chunks):
                summary.merge(part)
                if sys.stderr.isatty():
                    print(f"\r{summary.seeds} seeds, {len(summary.failures)} failed", end="", file=sys.stderr)
    _print(summary, time.monotonic() - began, given.show)
    return 1 if summary.failures else 0


def _one(seed: int) -> int:
    result = simulate(seed)
    print(result.plan)
    print(result.timeline.text())
    print(f"{result.failure or 'holds'}  digest {result.timeline.digest()}\n{result.detail}")
    return 1 if result.failure else 0


def _print(summary: Summary, seconds: float, show: int) -> None:
    for seed, message, timeline in summary.failures[:show]:
        print(f"--- seed {seed}\n{timeline}\n--- seed {seed}: {message}")
    for seed, message, _ in summary.failures:
        print(f"seed {seed}: {message.splitlines()[0][:300]}")
        print(f"  reproduce: python -m tests.simulation --seed {seed}")
    print(summary.text(seconds))
