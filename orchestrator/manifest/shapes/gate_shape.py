"""What `canary:` and `breakers:` look like in a manifest: what stops a run until somebody has looked."""

import re
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.core.specs import JsonObject
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.durations import SECOND_MS, Duration
from orchestrator.yamlio.shapes import Choice, Decimal, Field, Integer, Money, Nullable, Object, Reading

CANARY_MAX: Final = 1_000
WHOLE: Final = 100  # percent
_PERCENT: Final = r"(\d{1,3}(?:\.\d+)?) ?%"


@dataclass(frozen=True)
class Share:
    """A part of a whole: 20% or 0.2."""

    def read(self, node: Node, reading: Reading) -> float | None:
        """The part, of 1."""
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        found = re.fullmatch(_PERCENT, value.strip()) if isinstance(value, str) else None
        if found is not None and (percent := float(found[1])) <= WHOLE:
            return percent / WHOLE
        reading.expected(node, "a share such as 20% or 0.2")
        return None

    def schema(self) -> JsonObject:
        """A number from 0 to 1, or a percentage."""
        percent = {"type": "string", "pattern": f"^{_PERCENT}$"}
        return {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, percent]}


_CANARY: Final = Object(
    (
        Field("jobs", Integer(1, CANARY_MAX), "How many, spread over the axes.", required=True),
        Field(
            "approve",
            Choice(("person", "auto")),
            "Who lets the rest run: a person, or the thresholds below.",
            default="person",
        ),
        Field("max_failed", Nullable(Share()), "Of its jobs that ended; auto alone.", default=0.1),
        Field("max_flagged", Nullable(Share()), "Of its pictures; auto alone.", default=0.1),
        Field("max_unfit", Nullable(Share()), "Of its jobs that fail a check; auto alone.", default=0.1),
        Field("min_accepted", Share(), "Of its jobs that succeeded; auto alone."),
        Field(
            "timeout",
            Duration("30m, 12h or 2d", step_ms=SECOND_MS),
            "How long it waits for approval; without end when absent.",
        ),
        Field("on_timeout", Choice(("stop", "go")), "What happens then.", default="stop"),
    ),
    "a number of jobs, or a mapping with jobs",
)


@dataclass(frozen=True)
class _Canary:
    """A number of jobs, or the whole mapping."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The mapping, with every key."""
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            jobs = Integer(1, CANARY_MAX).read(node, reading)
            return (
                None
                if jobs is None
                else {**{each.name: each.default for each in _CANARY.fields}, "jobs": jobs}
            )
        found = _CANARY.read(node, reading)
        timed = {"timeout", "on_timeout"} & set(node.children)
        if timed == {"on_timeout"}:
            reading.wrong(
                node.children["on_timeout"].path, "needs a timeout", "add timeout: 12h", at_key=True
            )
        return found

    def schema(self) -> JsonObject:
        """Either of both."""
        return {"anyOf": [Integer(1, CANARY_MAX).schema(), _CANARY.schema()]}


BREAKERS: Final = Object(
    (
        Field("failed", Share(), "Most of its jobs that may fail; guards.failure_rate when absent."),
        Field("flagged", Share(), "Most of its pictures that may be flagged; guards.nsfw_rate when absent."),
        Field("cost_per_accepted", Money(), "US dollars that an accepted picture may cost, of judged jobs."),
        Field("p95_seconds", Decimal(0.1, 86_400), "Longest time of 95 % of its tasks at the provider."),
        Field(
            "min_jobs", Integer(1, 1_000_000), "Jobs that must have ended first; guards.min_jobs when absent."
        ),
    ),
    "a mapping of breakers",
)

GATES: Final = (
    Field(
        name="canary",
        shape=_Canary(),
        doc="So many jobs are made first; then the run waits for `runs approve`, or for its thresholds.",
    ),
    Field(
        name="breakers",
        shape=BREAKERS,
        doc="What pauses this run, so that somebody looks before more is spent.",
        default={},
    ),
)
