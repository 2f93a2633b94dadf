"""What could be left out so that the rest fits under the caps: each cut with exactly what it saves. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

from orchestrator.actions.planning.figures.tally import JobKind, Pairs, Tally

CUTS_SHOWN: Final = 3
LOOKED_AT_MAX: Final = 200_000
"""So many jobs of a kind under so many changes are looked at in about a tenth of a second."""

STAGE: Final = "stage"
"""The axis that names the stage of a job, where there are stages: no value of it can be excluded."""

NO_STAGES: Final[Mapping[str, frozenset[str]]] = {}

VALUES_MAX: Final = 12
"""Nobody reads through the values of a longer axis to find one to drop."""


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """One change of a manifest."""

    key: str  # `variations`, an axis, `stages`, or a parameter
    value: str  # the number of variations that stay, the value or stage that goes, or the cheaper value
    words: str
    stages: frozenset[str] = frozenset()  # that go: one, and all that follows from it
    prices: Mapping[int, int] | None = None  # for a cheaper value: what a job of so many pictures costs then

    def costs(self, item: "JobsAlike") -> int:
        """What one job costs once this is changed: nothing when it is not asked for any more."""
        if self.prices is not None:
            return self.prices[item.kind.images]
        if self.stages:
            return 0 if item.kind.stage in self.stages else item.micros
        if self.key == "variations":
            return item.micros if item.kind.variation <= int(self.value) else 0
        gone = (self.key, self.value) in (item.kind.values if item.shared is None else item.shared)
        return 0 if gone else item.micros


@dataclass(frozen=True, slots=True)
class Cut:
    """Changes that make the rest fit, and what they save together, in micros."""

    changes: tuple[ManifestChange, ...]
    saves_micros: int

    @property
    def words(self) -> str:
        """The cut in words."""
        return " and ".join(change.words for change in self.changes)


@dataclass(frozen=True, slots=True)
class JobsAlike:
    """Jobs that a change treats alike."""

    kind: JobKind
    shared: Pairs | None
    jobs: int
    micros: int  # of one


def counted(tally: Tally, micros: Callable[[str, int], int]) -> list[JobsAlike]:
    """The jobs that are to be paid, those apart that several rows ask for."""
    found: Counter[tuple[int, Pairs | None]] = Counter((number, None) for number in tally.kinds)
    if tally.merged:
        for number, ordinal in zip(tally.kinds, tally.ordinals, strict=True):
            if ordinal in tally.merged:
                found[number, None] -= 1
                found[number, tally.merged[ordinal]] += 1
    prices = tally.prices(micros)
    return [
        JobsAlike(tally.kind_of[number], shared, jobs=jobs, micros=prices[number])
        for (number, shared), jobs in found.items()
        if jobs
    ]


def cuts(
    jobs: Sequence[JobsAlike],
    *,
    over_micros: int,
    cheaper: Sequence[ManifestChange] = (),
    stages: Mapping[str, frozenset[str]] = NO_STAGES,
) -> list[Cut]:
    """The cuts that save at least `over_micros` and leave something, the smallest first; two or three
    changes together where fewer are not enough. `cheaper` are changes of parameters that could be made too;
    `stages` can be left out, each with all that follows from it.
    """
    if over_micros <= 0 or not jobs:
        return []
    changes = [*cheaper, *_fewer_variations(jobs), *_values_less(jobs, but=STAGE if stages else "")]
    changes += [_without(name, gone) for name, gone in stages.items()]
    whole = sum(item.jobs * item.micros for item in jobs)
    for together in (1, 2, 3):
        if comb(len(changes), together) * len(jobs) > LOOKED_AT_MAX:
            break
        found = [
            Cut(chosen, saved)
            for chosen in combinations(changes, together)
            if sum(change.key == "variations" for change in chosen) <= 1
            and over_micros <= (saved := savings(jobs, chosen)) < whole
        ]
        if found:
            return _one_of_each(sorted(found, key=lambda cut: (cut.saves_micros, cut.words)))
    return []


def savings(jobs: Iterable[JobsAlike], changes: Sequence[ManifestChange]) -> int:
    """What is not paid when all of these changes are made, in micros."""
    return sum(item.jobs * (item.micros - min(change.costs(item) for change in changes)) for item in jobs)


def costs(jobs: Iterable[JobsAlike]) -> dict[str, dict[str, int]]:
    """What the jobs of each variation and of each value of an axis cost, in micros."""
    found: dict[str, Counter[str]] = {}
    for item in jobs:
        cost = item.jobs * item.micros
        found.setdefault("variation", Counter())[str(item.kind.variation)] += cost
        for axis, value in item.kind.values:
            found.setdefault(axis, Counter())[value] += cost
    return {axis: dict(values) for axis, values in found.items() if len(values) <= VALUES_MAX}


def _one_of_each(found: Sequence[Cut]) -> list[Cut]:
    """The smallest cut of each kind: three ways to drop one scene or another say no more than one."""
    best: dict[tuple[str, ...], Cut] = {}
    for cut in found:
        best.setdefault(tuple(change.key for change in cut.changes), cut)
    return list(best.values())[:CUTS_SHOWN]


def _fewer_variations(jobs: Iterable[JobsAlike]) -> list[ManifestChange]:
    most = max(item.kind.variation for item in jobs)
    return [
        ManifestChange("variations", str(number), f"variations {most} -> {number}")
        for number in range(1, most)
    ]


def _without(name: str, gone: frozenset[str]) -> ManifestChange:
    more = f" and what follows from it ({', '.join(sorted(gone - {name}))})" if len(gone) > 1 else ""
    return ManifestChange("stages", name, f"without the stage {name}{more}", stages=gone)


def _values_less(jobs: Sequence[JobsAlike], *, but: str) -> list[ManifestChange]:
    values: dict[str, dict[str, None]] = {}
    for item in jobs:
        for axis, value in item.kind.values:
            values.setdefault(axis, {})[value] = None
    return [
        ManifestChange(axis, value, f"exclude {axis} {value}")
        for axis, found in values.items()
        if axis != but and 1 < len(found) <= VALUES_MAX
        for value in found
    ]
