"""What many seeds did: sums that can be added up over processes, and over runs through a log of JSON
lines."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .checks.states import ATTEMPT_EDGES, JOB_EDGES, MONEY_EDGES
from .faults import FAULTS, LASTING, WEBHOOK_FAULTS, WINDOWS
from .seed import Result

SLOWEST = 5

STATE_EDGES = frozenset(
    f"{name} {edge}"
    for name, edges in (("job", JOB_EDGES), ("attempt", ATTEMPT_EDGES), ("money", MONEY_EDGES))
    for edge in edges
)
"""Every step of the product's tables, as a timeline names it."""


@dataclass
class FailedSeed:
    """A seed that broke an invariant."""

    seed: int
    message: str
    timeline: str = ""  # not in the log: the seed brings it back


@dataclass
class Summary:
    """Sums over seeds."""

    seeds: int = 0
    commits: int = 0
    posts: int = 0
    virtual_seconds: float = 0.0
    seconds: float = 0.0  # of processor time
    misadopted: int = 0
    uncertain: int = 0
    themes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    failures: list[FailedSeed] = field(default_factory=list)
    slowest: list[tuple[float, int]] = field(default_factory=list)  # (seconds, seed)

    def add(self, result: Result, seconds: float) -> None:
        """One more seed."""
        self.seeds += 1
        self.seconds += seconds
        self.commits += result.timeline.commits
        self.posts += result.posts
        self.virtual_seconds += result.virtual_seconds
        self.misadopted += result.misadopted
        self.uncertain += result.uncertain
        self.themes[result.plan.theme] += 1
        self.faults.update(result.timeline.faults)
        self.edges.update(result.timeline.edges)
        self._note_slow([(round(seconds, 2), result.seed)])
        if result.failure is not None:
            told = result.timeline.text(200) + result.detail
            self.failures.append(FailedSeed(result.seed, result.failure, told))

    def merge(self, other: "Summary") -> None:
        """Add another sum."""
        for name in ("seeds", "commits", "posts", "virtual_seconds", "seconds", "misadopted", "uncertain"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("themes", "faults", "edges"):
            getattr(self, name).update(getattr(other, name))
        self.failures.extend(other.failures)
        self._note_slow(other.slowest)

    def _note_slow(self, more: list[tuple[float, int]]) -> None:
        self.slowest = sorted([*self.slowest, *more], reverse=True)[:SLOWEST]

    def unseen(self) -> list[str]:
        """Faults that never struck and legal edges that nothing took: what these seeds say nothing about."""
        lasting = {f"lasting_{kind}" for kind in LASTING}
        return sorted(
            ({*FAULTS, *WEBHOOK_FAULTS, *WINDOWS, *lasting, "bought_by_copy"} - set(self.faults))
            | (STATE_EDGES - set(self.edges))
        )

    def text(self, minutes: float) -> str:
        """To print, and to keep beside the code."""
        return "\n".join(
            (
                f"seeds {self.seeds}  violations {len(self.failures)}  minutes {minutes:.1f}",
                (
                    f"commits {self.commits}  POSTs {self.posts}  virtual days "
                    f"{self.virtual_seconds / 86_400:.0f}"
                ),
                f"misadopted where the list shows no inputs {self.misadopted} (in {self.uncertain} seeds)",
                "themes  " + _counts(self.themes),
                "faults  " + _counts(self.faults),
                "edges   " + _counts(self.edges),
                "never seen  " + (", ".join(self.unseen()) or "nothing"),
                "slowest  " + "  ".join(f"seed {seed} {seconds} s" for seconds, seed in self.slowest),
            )
        )


def _counts(counts: Counter[str]) -> str:
    return "  ".join(f"{name} {count}" for name, count in sorted(counts.items()))


class Log:
    """A JSON line for each chunk of seeds; a later run of the same code goes on where this one stopped."""

    def __init__(self, path: Path | None, database: str, theme: str | None = None) -> None:
        self._path = path
        self._common = {"database": database, "code": code_digest(), "theme": theme}

    def done(self) -> dict[tuple[int, ...], Summary]:
        """Sums of the chunks that this code has run already, by their seeds."""
        if self._path is None or not self._path.exists():
            return {}
        lines = map(json.loads, self._path.read_text(encoding="utf-8").splitlines())
        return {
            tuple(line["chunk"]): _read(line["summary"])
            for line in lines
            if {name: line.get(name) for name in self._common} == self._common
        }

    def write(self, chunk: tuple[int, ...], summary: Summary) -> None:
        """Append a chunk."""
        if self._path is None:
            return
        kept = {each.name: getattr(summary, each.name) for each in fields(summary)}
        kept["failures"] = [{"seed": each.seed, "message": each.message} for each in summary.failures]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**self._common, "chunk": chunk, "summary": kept}) + "\n")


def _read(kept: dict[str, Any]) -> Summary:
    counters = {name: Counter(kept[name]) for name in ("themes", "faults", "edges")}
    failures = [FailedSeed(**each) for each in kept["failures"]]
    slowest = [(seconds, seed) for seconds, seed in kept["slowest"]]
    return Summary(**{**kept, **counters, "failures": failures, "slowest": slowest})


def code_digest() -> str:
    """The same for the same program and the same simulation."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for folder in ("orchestrator", "migrations", "tests/simulation"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
