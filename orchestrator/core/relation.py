"""Which tasks a lost request may have created, and what their number and their times alone tell.

A doubt and a candidate are related when the model is the same and the candidate was created while the request
may have been acted on. Nothing else is assumed of times; that a request creates one task at most is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

SKEW_MS: Final = 180_000
"""How far the provider's clock may be from ours, as long as it was not measured; see `provider_clock`."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt in doubt: what it sent, and from when to when the request may have been acted on (ms)."""

    attempt_id: int
    model: str
    digest: str | None
    keys: tuple[str, ...]  # the parameters that were sent: a listed prediction may carry more
    sent_at: int
    last_possible_at: int
    settled: bool  # the settle delay has passed since the reply was lost
    early_ms: int = -SKEW_MS  # the provider's clock may be so much ahead of ours, at least and at most (ms)
    late_ms: int = SKEW_MS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prediction of the account that no attempt holds."""

    prediction_id: str
    model: str | None
    created_at: int | None
    inputs: Mapping[str, Any] | None
    listed: bool = True  # False: only the bill knows it
    failed: bool = False  # it ended, and made no pictures
    may_be_anothers: bool = False  # a request that is not judged here may have created it


WHOLE_SECOND_MS: Final = 1_000
"""A time that is shown without a fraction may be so much later."""


def related(doubt: Doubt, candidate: Candidate) -> bool:
    """Whether this candidate may be what the doubt's request created."""
    if candidate.model is not None and candidate.model != doubt.model:
        return False
    created_at = candidate.created_at
    if created_at is None:
        return True
    latest = created_at if created_at % WHOLE_SECOND_MS else created_at + WHOLE_SECOND_MS - 1
    return doubt.sent_at + doubt.early_ms <= latest and created_at <= doubt.last_possible_at + doubt.late_ms


def near(doubt: Doubt, candidate: Candidate) -> bool:
    """The same, had the provider's clock not been measured: what a measurement that is wrong would hide."""
    return related(replace(doubt, early_ms=-SKEW_MS, late_ms=SKEW_MS), candidate)


@dataclass(frozen=True, slots=True)
class DoubtGroup:
    """Doubts and candidates that are related, directly or through each other."""

    doubts: tuple[Doubt, ...]
    candidates: tuple[Candidate, ...]

    @property
    def is_settled(self) -> bool:
        """Whether the list would show by now whatever any of them has created."""
        return all(doubt.settled for doubt in self.doubts)

    def is_near(self, candidate: Candidate) -> bool:
        """Whether a candidate may be of one of these doubts, had no clock been measured."""
        return any(near(doubt, candidate) for doubt in self.doubts)

    def pairs(self) -> list[tuple[int, str]]:
        """The attempt and the prediction of each pair that belongs together; none where the numbers say that
        somebody else's task is among them.
        """
        possible = {
            one.prediction_id: {doubt.attempt_id for doubt in self.doubts if related(doubt, one)}
            for one in self.candidates
        }
        if not _matched(possible):
            return []
        if len(self.doubts) == len(self.candidates) and all(one.failed for one in self.candidates):
            return _matched(possible)
        silent = {one.prediction_id for one in self.candidates if one.listed and one.inputs is None}
        return [(attempt_id, name) for attempt_id, name in _only_ones(possible) if name in silent]


def groups(doubts: Sequence[Doubt], candidates: Sequence[Candidate]) -> list[DoubtGroup]:
    """Connected groups of related doubts and candidates; doubts that no candidate joins are alone."""
    found: list[tuple[list[Doubt], list[Candidate]]] = [([doubt], []) for doubt in doubts]
    for candidate in candidates:
        touched = [group for group in found if any(related(doubt, candidate) for doubt in group[0])]
        if not touched:
            continue
        found = [group for group in found if group not in touched]
        found.append(
            (
                [doubt for group in touched for doubt in group[0]],
                [*(known for group in touched for known in group[1]), candidate],
            )
        )
    return [DoubtGroup(tuple(doubts), tuple(candidates)) for doubts, candidates in found]


def _only_ones(possible: Mapping[str, set[int]]) -> list[tuple[int, str]]:
    """Pairs of which the candidate can be no other doubt's, found one after another: each takes its doubt
    from the others.
    """
    left = {name: set(attempts) for name, attempts in possible.items()}
    found: list[tuple[int, str]] = []
    while alone := sorted(name for name, attempts in left.items() if len(attempts) == 1):
        (attempt_id,) = left.pop(alone[0])
        found.append((attempt_id, alone[0]))
        for attempts in left.values():
            attempts.discard(attempt_id)
    return found


def _matched(possible: Mapping[str, set[int]]) -> list[tuple[int, str]]:
    """Every candidate with a doubt of its own, if there is a way; empty when there is none."""
    holder: dict[int, str] = {}

    def place(name: str, tried: set[int]) -> bool:
        for attempt_id in sorted(possible[name] - tried):
            tried.add(attempt_id)
            if attempt_id not in holder or place(holder[attempt_id], tried):
                holder[attempt_id] = name
                return True
        return False

    return sorted(holder.items()) if all(place(name, set()) for name in sorted(possible)) else []
