"""A small sample that shows as much as it can: each value of each axis as early as possible, and of an axis
that is longer than the sample, values from the whole of it.
"""

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Final

from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.combining.combinations import Combinations

ALL_OF_IT: Final = 2
"""What a value counts that was picked least so far; half of it where it is not one of the spread ones."""

LOOK_MAX: Final = 200_000  # combinations considered for each pick


def spread(
    combinations: Combinations, variations: int, size: int, *, among: Sequence[int] | None = None
) -> set[int]:
    """The ordinals of `size` jobs, the same every time; `among` is not 0 for each ordinal that may be picked
    (None: any may).

    Each pick is the earliest job with the most values that were picked least so far; variations come last,
    because a second variation shows nothing that the first does not.
    """
    picked: set[int] = set()
    axes = combinations.axes
    uses: list[Counter[int]] = [Counter() for _axis in axes]
    marks = _marks(combinations, size)
    jobs = combinations.size * variations
    for variation in range(variations):
        taken: set[int] = set()
        if among is not None:
            taken.update(at for at in range(combinations.size) if not among[at * variations + variation])
        while len(picked) < min(size, jobs):
            best = _pick(combinations, uses, taken, marks=marks)
            if best is None:
                break
            number, values = best
            taken.add(number)
            picked.add(number * variations + variation)
            for use, value in zip(uses, values, strict=True):
                use[value.number] += 1
    return picked


def _marks(combinations: Combinations, size: int) -> list[set[int] | None]:
    """For each axis that is longer than the sample, which of its values are wanted: evenly apart, as far as
    one pick looks. None for an axis all of whose values are.
    """
    axes = combinations.axes
    inner = prod(axis.size for axis in axes[1:])
    found: list[set[int] | None] = []
    for place, axis in enumerate(axes):
        reach = min(axis.size, max(size, LOOK_MAX // max(1, inner))) if place == 0 else axis.size
        found.append({(2 * n + 1) * reach // (2 * size) for n in range(size)} if reach > size > 0 else None)
    return found


def _pick(
    combinations: Combinations, uses: list[Counter[int]], taken: set[int], *, marks: list[set[int] | None]
) -> tuple[int, tuple[AxisValue, ...]] | None:
    axes = combinations.axes
    least = [
        _least(use, axis.size if mark is None else len(mark))
        for use, axis, mark in zip(uses, axes, marks, strict=True)
    ]
    wanted = list(zip(uses, least, marks, strict=True))
    best: tuple[int, tuple[AxisValue, ...]] | None = None
    best_score = -1
    looked = 0
    for number, (values, _bits) in enumerate(combinations.walk()):
        if number in taken:
            continue
        looked += 1
        score = sum(
            (use[value.number] <= low) * (1 if mark is not None and value.number not in mark else ALL_OF_IT)
            for value, (use, low, mark) in zip(values, wanted, strict=True)
        )
        if score > best_score:
            best, best_score = (number, values), score
            if score == ALL_OF_IT * len(axes):
                break
        if looked >= LOOK_MAX:
            break
    return best


def _least(use: Counter[int], size: int) -> int:
    return min(use.values(), default=0) if len(use) >= size else 0
