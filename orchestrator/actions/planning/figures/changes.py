"""What an edit has changed: new jobs beside the jobs of the same combination that the run has already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.specs import JobSpec
from orchestrator.manifest.shapes.stages_shape import PICTURES
from orchestrator.store.runs.left_behind import Earlier

PICTURE = "the bytes of"
"""Before the name of a picture that was retouched, or replaced, under the same name."""


@dataclass(slots=True)
class FieldChange:
    """One parameter that differs, for all the jobs in which it does; the first of them as an example."""

    name: str
    before: Any
    after: Any
    jobs: int = 0
    values: dict[str, dict[str, None]] = field(default_factory=dict)  # of these jobs, by axis

    def where(self, whole: Mapping[str, int]) -> str:
        """The values it is about, such as `scene beach`, for axes of which not all values are; `whole` is
        how many values each has.
        """
        return ", ".join(
            f"{axis} {' or '.join(found)}"
            for axis, found in self.values.items()
            if len(found) < min(whole.get(axis, 0), SOME)
        )


SOME = 4
"""So many values of an axis say no more than that it is many."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a run and what is asked for now."""

    fields: list[FieldChange] = field(default_factory=list)  # the most frequent first
    added: int = 0  # new jobs of combinations that the run does not have
    removed: int = 0  # jobs of combinations that are not asked for any more


def compare(earlier: Sequence[Earlier], fresh: Iterable[JobSpec]) -> Changes:
    """Jobs of the same combination and variation belong together, and of a stage those that are most alike,
    because it has one for each picture; what differs is told by parameter, of a stage with its name.
    """
    before: dict[tuple[object, int], list[Earlier]] = {}
    for item in earlier:
        mates = before.setdefault((item.axes, item.variation), [])
        mates[:] = [item, *(mates if _of_stage(item) else [])]  # the newest first, and alone but in a stage
    found: dict[str, FieldChange] = {}
    added = 0
    matched = set()
    for spec in fresh:
        place = (spec.axes, spec.variation)
        if place not in before:
            added += 1
            continue
        matched.add(place)
        differences = min((list(_differences(item, spec)) for item in before[place]), key=len)
        for name, old, new in differences:
            change = found.setdefault(name, FieldChange(name, old, new))
            change.jobs += 1
            for axis, label in spec.axes:
                if len(change.values.setdefault(axis, {})) < SOME:
                    change.values[axis][label] = None
    ordered = sorted(found.values(), key=lambda change: -change.jobs)
    return Changes(ordered, added, removed=len(before) - len(matched))


def differing(before: object, after: object, around: int = 24) -> tuple[str, str]:
    """Two texts, cut to where they differ and some words around it."""
    old, new = _text(before), _text(after)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    first, tail = max(0, start - around), max(0, end - around)
    return _cut(old, first, tail), _cut(new, first, tail)


def _cut(text: str, first: int, tail: int) -> str:
    kept = text[first : len(text) - tail]
    return f"{'...' if first else ''}{kept}{'...' if tail else ''}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "absent" if value is None else str(value)


def _of_stage(item: Earlier) -> bool:
    return any(axis == "stage" and value != PICTURES for axis, value in item.axes)


def _differences(item: Earlier, spec: JobSpec) -> Iterable[tuple[str, Any, Any]]:
    for name in {**item.params, **spec.params}:
        old, new = item.params.get(name), spec.params.get(name)
        if old != new:
            yield f"{spec.stage}.{name}" if spec.stage else name, old, new
    for written, image in spec.local_images.items():
        known = item.pictures.get(written)
        if known is not None and known != image.sha256:
            yield f"{PICTURE} {written}", known[:8], image.sha256[:8]
