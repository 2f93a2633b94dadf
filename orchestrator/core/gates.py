"""Whether a run may go beyond its canary: the few jobs that are made first, so that somebody can look."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Gate(StrEnum):
    """What becomes of a run whose gate is closed."""

    MAKING = "making"  # its canary is under way
    WAITS = "waits"  # for a person, or until its thresholds are met
    OPENS = "opens"


@dataclass(frozen=True, slots=True)
class CanaryRules:
    """`canary:` of a manifest. Shares are of 1; None: no such threshold."""

    jobs: int
    auto: bool = False  # the thresholds decide; where they are not met, a person does
    max_failed: float | None = None  # of the canary's jobs that ended
    max_flagged: float | None = None  # of its pictures
    max_unfit: float | None = None  # of its jobs that succeeded: those that fail a check
    min_accepted: float | None = None  # of its jobs that succeeded
    timeout_ms: int | None = None  # how long it waits for approval
    go_on: bool = False  # what happens then: it goes on, or it stays stopped


def canary_rules(settings: Mapping[str, Any] | None) -> CanaryRules | None:
    """The rules in what a run keeps of its manifest; None where it has no canary."""
    said = (settings or {}).get("canary")
    if not said:
        return None
    seconds = said.get("timeout")
    return CanaryRules(
        jobs=said["jobs"],
        auto=said.get("approve") == "auto",
        max_failed=said.get("max_failed"),
        max_flagged=said.get("max_flagged"),
        max_unfit=said.get("max_unfit"),
        min_accepted=said.get("min_accepted"),
        timeout_ms=None if seconds is None else seconds * 1000,
        go_on=said.get("on_timeout") == "go",
    )


@dataclass(frozen=True, slots=True)
class CanaryFigures:
    """What has become of a canary."""

    unfinished: int = 0  # wait and may run, or run
    succeeded: int = 0
    failed: int = 0
    pictures: int = 0
    flagged: int = 0
    unfit: int = 0  # succeeded jobs that fail a check
    unchecked: int = 0  # pictures that the checks of its run have not looked at yet
    accepted: int = 0
    rest: bool = False  # other jobs of the run wait

    @property
    def words(self) -> str:
        """In a few words, for the person who decides."""
        said = [f"{self.succeeded} made", f"{self.failed} failed", f"{self.flagged} pictures flagged"]
        said += [f"{self.unfit} fail a check"] if self.unfit else []
        said += [f"{self.accepted} accepted"] if self.accepted else []
        return ", ".join(said)


class GateDecision(NamedTuple):
    """What is decided, and why, in words."""

    gate: Gate
    words: str


def judge(rules: CanaryRules, figures: CanaryFigures, waited_ms: int | None) -> GateDecision:
    """Decide about a closed gate. `waited_ms`: for how long it has waited for approval; None: it has not
    begun to.

    A canary without a single picture passes no threshold: nothing was shown. Acceptance comes from people and
    may still come, so that such a run waits instead of being given up.
    """
    if figures.unfinished:
        return GateDecision(Gate.MAKING, "its canary is being made")
    if rules.auto and figures.unchecked:
        return GateDecision(Gate.MAKING, "the checks look at its canary")
    missed = _missed(rules, figures)
    if rules.auto and not missed:
        return GateDecision(Gate.OPENS, f"its canary meets its thresholds: {figures.words}")
    late = rules.timeout_ms is not None and waited_ms is not None and waited_ms >= rules.timeout_ms
    if late and rules.go_on:
        return GateDecision(Gate.OPENS, f"nobody decided in time, and on_timeout is go: {figures.words}")
    why = f"; {'; '.join(missed)}" if rules.auto else ""
    end = "; nobody decided in time, so it stays stopped" if late else ""
    return GateDecision(Gate.WAITS, f"its canary waits for approval: {figures.words}{why}{end}")


def _missed(rules: CanaryRules, figures: CanaryFigures) -> list[str]:
    ended = figures.succeeded + figures.failed
    most = (
        ("failed", figures.failed, ended, rules.max_failed),
        ("pictures flagged", figures.flagged, figures.pictures, rules.max_flagged),
        ("fail a check", figures.unfit, figures.succeeded, rules.max_unfit),
    )
    missed = [
        f"{bad} of {among} {what}, more than {limit:.0%}"
        for what, bad, among, limit in most
        if limit is not None and bad > limit * among
    ]
    least = rules.min_accepted
    if least is not None and figures.accepted < least * figures.succeeded:
        missed.append(f"{figures.accepted} of {figures.succeeded} accepted, fewer than {least:.0%}")
    return missed if figures.succeeded else ["it made no picture", *missed]
