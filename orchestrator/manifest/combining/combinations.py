"""The combinations of a manifest in written order: the product of its axes without what is excluded, then
additions.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from orchestrator.manifest.combining.axes import Axis, AxisValue

_KEPT_MAX = 4096


class Combinations:
    """Walks the combinations, again and again; the first axis outermost, and never more than that axis in
    memory.

    The conditions of every axis are the excludes followed by the overrides: bit n of a mask stands for the
    n-th. A combination meets a condition when every one of its values does.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        excludes: int,
        overrides: int,
        added: Sequence[tuple[AxisValue, ...]],
        *,
        without_product: bool,
    ) -> None:
        self.axes = axes
        self.added = added
        self._excludes = excludes
        self._exclude_bits = (1 << excludes) - 1
        self._all_bits = (1 << (excludes + overrides)) - 1
        self._without_product = without_product
        self.load()

    def load(self) -> None:
        """Read the values of the inner axes into memory, again when their tables leave out more rows."""
        for axis in self.axes[1:]:
            axis.load()

    @property
    def size(self) -> int:
        """How many combinations there are before any is excluded."""
        whole = 0 if self._without_product else prod(axis.size for axis in self.axes)
        return whole + len(self.added)

    @property
    def even(self) -> bool:
        """Whether every value of an axis is in equally many combinations: none is excluded or added."""
        return not self._excludes and not self.added

    def begin_pass(self) -> None:
        """Forget what templates gave in an earlier pass; a picture may have been retouched since."""
        for axis in self.axes:
            for value in axis.loaded or ():
                value.cache.clear()
        for values in self.added:
            for value in values:
                value.cache.clear()

    def walk(self, met: list[int] | None = None) -> Iterator[tuple[tuple[AxisValue, ...], int]]:
        """Every combination with the bits of the overrides it meets.

        `met[0]`, when given, collects the bits of every condition that some combination met, overrides on
        kept ones.
        """
        if not self._without_product:
            yield from self._product(met)
        for values in self.added:
            yield values, 0

    def _product(self, met: list[int] | None) -> Iterator[tuple[tuple[AxisValue, ...], int]]:
        exclude_bits, shift = self._exclude_bits, self._excludes
        if not self.axes:
            yield (), 0
            return
        seen = 0
        for values, mask in self._masked():
            if mask:
                excluded = mask & exclude_bits
                seen |= excluded or mask
                if excluded:
                    continue
            yield values, mask >> shift
        if met is not None:
            met[0] |= seen

    def _masked(self) -> Iterator[tuple[tuple[AxisValue, ...], int]]:
        outer, *rest = self.axes
        pools = [axis.loaded or [] for axis in rest]
        if prod(len(pool) for pool in pools) <= _KEPT_MAX:
            inner = [(values, self._mask(values)) for values in product(*pools)]
            for first in outer.values():
                first_mask = first.mask & self._all_bits
                for values, mask in inner:
                    yield (first, *values), first_mask & mask
            return
        for first in outer.values():
            for values in product(*pools):
                yield (first, *values), first.mask & self._mask(values)

    def _mask(self, values: Sequence[AxisValue]) -> int:
        mask = self._all_bits
        for value in values:
            mask &= value.mask
        return mask
