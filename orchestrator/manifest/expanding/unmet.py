"""Excludes and overrides that match nothing: which, and why."""

from collections.abc import Sequence

from orchestrator.manifest.combining.axes import Axis, Condition
from orchestrator.manifest.expanding.findings import Findings
from orchestrator.yamlio.document import Path


def explain_unmet(
    findings: Findings, conditions: Sequence[tuple[Path, Condition]], axes: Sequence[Axis], *, met: int
) -> None:
    """Report every condition whose bit is not in `met`."""
    for bit, (path, condition) in enumerate(conditions):
        if not met >> bit & 1 and condition.sound:
            what = "excludes" if path[0] == "exclude" else "overrides"
            message = f"matches no combination, so it {what} nothing"
            findings.wrong(path, message, _why(condition, axes))


def _why(condition: Condition, axes: Sequence[Axis]) -> str:
    """The first name whose wanted value no value of its axis has."""
    for axis in axes:
        for name, wanted in condition.wanted.items():
            if name not in axis.names:
                continue
            alone = Condition({name: wanted})
            if not any(alone.met(value.bindings) for value in axis.values()):
                return f"no value of {name} is like this; compare spelling and case"
    return "it may be excluded already, or the values never meet"
