"""Whose turn it is: the jobs of a product in order, so that under a cap every product has its first picture
before any has its second.

A product is a value of the covered axis, which is the outermost one unless `cover` names another.
"""

from array import array
from collections.abc import Sequence

from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.combining.combinations import Combinations


class Turns:
    """Rounds for one pass over the combinations, which must be met in the order of the walk.

    Within a product, every combination's first variation comes before any second one. 4 bytes are kept for
    each product.
    """

    def __init__(self, combinations: Combinations, cover: int) -> None:
        """`cover` is the place of the covered axis among the axes."""
        self._cover = cover
        self._axes = combinations.axes
        size = self._axes[cover].size if self._axes else 0
        self._added: dict[str, int] = {}  # what a product of an added combination binds, and its number
        for values in combinations.added:
            self._added.setdefault(_binds(values[cover]), size + len(self._added))
        self._met = array("i", bytes(4 * (size + len(self._added))))
        self._each = combinations.size // size if combinations.even and size else 0
        self._whole = None if combinations.even else self._counted(combinations)

    def first_round(self, values: Sequence[AxisValue]) -> tuple[int, int]:
        """The round of the first variation of this combination, from 1, and how many rounds later each
        further variation comes.
        """
        if not self._axes:
            return 1, 1
        product = self._product(values[self._cover])
        self._met[product] += 1
        return self._met[product], self._each if self._whole is None else self._whole[product]

    def _product(self, value: AxisValue) -> int:
        if self._added:
            return self._added.get(_binds(value), value.number)
        return value.number

    def _counted(self, combinations: Combinations) -> "array[int]":
        """How many combinations each product has, by walking once ahead: some are excluded or added."""
        found = array("i", bytes(4 * len(self._met)))
        for values, _bits in combinations.walk():
            if values:
                found[self._product(values[self._cover])] += 1
        return found


def _binds(value: AxisValue) -> str:
    return repr(sorted((name, _plain(bound)) for name, bound in value.bindings.items()))


def _plain(bound: object) -> object:
    if isinstance(bound, dict):
        return sorted((str(name), str(each)) for name, each in bound.items())
    return str(bound)
