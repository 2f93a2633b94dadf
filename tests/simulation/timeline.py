"""What happened in one seed: kept as tuples, written out only when somebody asks."""

import hashlib
from collections import Counter
from typing import Any


class ViolationError(AssertionError):
    """An invariant that did not hold, with its number in the list of `checker`."""


class Timeline:
    """Events with their virtual time, and counts of what fired."""

    def __init__(self) -> None:
        self.events: list[tuple[float, str, str, tuple[Any, ...]]] = []
        self.faults: Counter[str] = Counter()
        self.edges: Counter[str] = Counter()
        self.commits = 0
        self.now = lambda: 0.0

    def mark(self, actor: str, what: str, *details: Any) -> None:
        self.events.append((self.now(), actor, what, details))

    def fault(self, actor: str, kind: str, *details: Any) -> None:
        self.faults[kind] += 1
        self.events.append((self.now(), actor, f"FAULT {kind}", details))

    def text(self, last: int | None = None) -> str:
        events = self.events if last is None else self.events[-last:]
        return "\n".join(
            f"{at:12.3f}  {actor:<9} {what} {' '.join(map(str, details))}"
            for at, actor, what, details in events
        )

    def digest(self) -> str:
        """Equal for equal runs: what a repeated seed is compared by."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]
