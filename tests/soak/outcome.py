"""What a soak found."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from crashes.verdict import Judgement


@dataclass
class Outcome:
    """The verdict, and the figures that tell how much it is worth."""

    verdict: Judgement
    samples: list[dict[str, Any]] = field(default_factory=list)
    deeds: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.verdict.problems

    def note(self, found: Judgement) -> None:
        """What one look found. Looks see the same things again, so the largest count is the count."""
        self.verdict.problems += found.problems
        self.verdict.double_billed = max(self.verdict.double_billed, found.double_billed)
        self.verdict.lost = max(self.verdict.lost, found.lost)

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "problems": self.verdict.problems,
            "paid_twice": self.verdict.double_billed,
            "lost": self.verdict.lost,
            "figures": self.figures,
            "deeds": dict(sorted(self.deeds.items())),
            "faults": dict(sorted(self.faults.items())),
            "samples": self.samples,
        }
