"""What a plan keeps to be looked at: an example, a list, and what an edit has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from orchestrator.actions.planning.figures.changes import Changes
from orchestrator.actions.planning.figures.saved_plan import Seal
from orchestrator.core.specs import JobSpec
from orchestrator.store.runs.left_behind import COMPARED_MAX, LeftBehind

LISTED_MAX: Final = 10_000


class ShownJob(NamedTuple):
    """One planned job; `state` is None while the run does not have it."""

    spec: JobSpec
    state: str | None


@dataclass(slots=True)
class Content:
    """Of one manifest."""

    most: int = 0  # how many jobs are listed at most
    listed: list[ShownJob] = field(default_factory=list)
    example: JobSpec | None = None  # the first that is new, or else the first
    fresh: list[JobSpec] = field(default_factory=list)  # new jobs to compare with what is left behind
    left: LeftBehind = field(default_factory=LeftBehind)
    changes: Changes = field(default_factory=Changes)
    seal: Seal | None = None  # collected for a plan that is saved, or was
    lines: dict[str, int] = field(default_factory=dict)  # where each parameter is written, from 1

    def add(self, specs: Sequence[JobSpec], fresh: Sequence[JobSpec], states: Mapping[str, str]) -> None:
        """See some jobs go by."""
        if self.example is None or (fresh and self.example.key in states):
            self.example = next(iter([*fresh[:1], *specs[:1]]), None) or self.example
        if self.seal is not None:
            self.seal.add(specs)
            self.seal.bought += len(fresh)
        self.fresh += fresh[: max(0, COMPARED_MAX - len(self.fresh))]
        room = max(0, min(self.most, LISTED_MAX) - len(self.listed))
        self.listed += [ShownJob(spec, states.get(spec.key)) for spec in specs[:room]]
