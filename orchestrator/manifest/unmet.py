"""Excludes and overrides that match nothing: a misspelt value must not pass for a rule."""

from collections.abc import Sequence

from orchestrator.manifest.axes import Condition
from orchestrator.manifest.combinations import Combinations
from orchestrator.manifest.findings import Findings
from orchestrator.yamlio.document import Path


def tell_unmet(
    findings: Findings, combinations: Combinations, *, conditions: Sequence[tuple[Path, Condition]], met: int
) -> None:
    """Report each of `conditions` whose bit is not in `met`."""
    for bit, (path, condition) in enumerate(conditions):
        if not met >> bit & 1:
            what = "excludes" if path[0] == "exclude" else "overrides"
            message = f"matches no combination, so it {what} nothing"
            findings.wrong(path, message, _why_unmet(combinations, condition))


def _why_unmet(combinations: Combinations, condition: Condition) -> str:
    """The first name whose wanted value no value of its axis has."""
    for axis in combinations.axes:
        for name, wanted in condition.wanted.items():
            if name not in axis.names:
                continue
            alone = Condition({name: wanted})
            if not any(alone.met(value.bindings) for value in axis.values()):
                return f"no value of {name} is like this; compare spelling and case"
    return "it may be excluded already, or the values never meet"
