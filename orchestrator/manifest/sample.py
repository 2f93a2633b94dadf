"""A small sample that shows as much as it can: each value of each axis as early as possible."""

from collections import Counter
from typing import Final

from orchestrator.manifest.axes import AxisValue
from orchestrator.manifest.combinations import Combinations

LOOK_MAX: Final = 200_000  # combinations considered for each pick


def spread(combinations: Combinations, variations: int, size: int) -> set[int]:
    """The ordinals of `size` jobs, the same every time.

    Each pick is the earliest job with the most values that were picked least so far; variations come last,
    because a second variation shows nothing that the first does not.
    """
    picked: set[int] = set()
    axes = combinations.axes
    uses: list[Counter[int]] = [Counter() for _axis in axes]
    jobs = combinations.size * variations
    for variation in range(variations):
        taken: set[int] = set()
        while len(picked) < min(size, jobs):
            best = _pick(combinations, uses, taken)
            if best is None:
                break
            number, values = best
            taken.add(number)
            picked.add(number * variations + variation)
            for use, value in zip(uses, values, strict=True):
                use[value.number] += 1
    return picked


def _pick(
    combinations: Combinations, uses: list[Counter[int]], taken: set[int]
) -> tuple[int, tuple[AxisValue, ...]] | None:
    axes = combinations.axes
    least = [_least(use, axis.size) for use, axis in zip(uses, axes, strict=True)]
    best: tuple[int, tuple[AxisValue, ...]] | None = None
    best_score = -1
    looked = 0
    for number, (values, _bits) in enumerate(combinations.walk()):
        if number in taken:
            continue
        looked += 1
        score = sum(use[value.number] <= low for use, value, low in zip(uses, values, least, strict=True))
        if score > best_score:
            best, best_score = (number, values), score
            if score == len(axes):
                break
        if looked >= LOOK_MAX:
            break
    return best


def _least(use: Counter[int], size: int) -> int:
    return min(use.values(), default=0) if len(use) >= size else 0
