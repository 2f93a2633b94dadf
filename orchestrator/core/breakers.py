"""What pauses a run by itself, so that somebody looks before more is spent: a decision about its figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, NamedTuple

from orchestrator.core.money import format_usd

PERCENTILE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Breakers:
    """The limits of one run; None: not watched. Shares are of 1."""

    failed: float | None = None
    flagged: float | None = None
    cost_per_accepted: int | None = None  # micros
    p95_seconds: float | None = None
    min_jobs: int = 20  # so many must have ended, or been judged, first

    def of_run(self, settings: Mapping[str, Any] | None) -> "Breakers":
        """These where a run's manifest says nothing in `breakers:`."""
        said = {
            name: value
            for name, value in ((settings or {}).get("breakers") or {}).items()
            if value is not None and name in Breakers.__dataclass_fields__
        }
        mine = {name: getattr(self, name) for name in Breakers.__dataclass_fields__}
        return Breakers(**{**mine, **said})


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What has become of a run since it was last resumed; figures that nobody watches are zero."""

    succeeded: int = 0
    failed: int = 0
    pictures: int = 0
    flagged: int = 0
    judged: int = 0  # jobs with a verdict
    judged_micros: int = 0  # what these cost
    accepted_pictures: int = 0
    task_ms: tuple[int, ...] = ()  # how long its last tasks took at the provider


class Trip(NamedTuple):
    """One reason to pause a run: a word for it, and a sentence."""

    reason: str
    message: str


def trips(limits: Breakers, found: RunFigures) -> list[Trip]:
    """Every limit that is passed."""
    ended = found.succeeded + found.failed
    shares = (
        ("failure_rate", "jobs failed", found.failed, ended, limits.failed),
        ("nsfw_rate", "pictures were flagged", found.flagged, found.pictures, limits.flagged),
    )
    tripped = [
        Trip(reason, f"{bad} of {among} {what}, more than {limit:.0%}")
        for reason, what, bad, among, limit in shares
        if ended >= limits.min_jobs and limit is not None and among and bad > limit * among
    ]
    return [*tripped, *_cost(limits, found), *_slow(limits, found)]


def p95_ms(times: tuple[int, ...]) -> int:
    """The time within which 95 % of these were done."""
    return sorted(times)[ceil(PERCENTILE * len(times)) - 1]


def _cost(limits: Breakers, found: RunFigures) -> list[Trip]:
    most = limits.cost_per_accepted
    if most is None or found.judged < limits.min_jobs:
        return []
    if found.judged_micros <= most * found.accepted_pictures:
        return []
    cost = f"${format_usd(found.judged_micros)} for {found.accepted_pictures} accepted pictures"
    return [
        Trip("cost_per_accepted", f"{cost} of {found.judged} judged jobs, more than ${format_usd(most)} each")
    ]


def _slow(limits: Breakers, found: RunFigures) -> list[Trip]:
    most = limits.p95_seconds
    if most is None or len(found.task_ms) < limits.min_jobs:
        return []
    seconds = p95_ms(found.task_ms) / 1000
    if seconds <= most:
        return []
    said = f"95 % of its last {len(found.task_ms)} tasks took up to {seconds:.1f} s, more than {most:g} s"
    return [Trip("p95_seconds", said)]
