"""Fair share: stride scheduling between campaigns that want the same thing, one submission at a time.

Each campaign carries how far it has come: every submission moves it on by a stride, which is the shorter the
greater its weight. The turn is always that of the one that is least far. Over any stretch in which several
campaigns have work, each so gets submissions in proportion to its weight, whether slots, the rate or money is
what is scarce, and whatever was granted before. One that comes back from idleness, or is new, is moved up to
at most one stride behind the one that is farthest: it has its turn at once, and no past to catch up with at
the others' cost.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heapreplace
from typing import Final

STRIDE: Final = 1_000_000
WEIGHT_MAX: Final = 1_000


def stride_of(weight: int) -> int:
    """How far one submission moves a campaign of this weight (1 to `WEIGHT_MAX`)."""
    return STRIDE // weight


class FairShare:
    """The order of turns among campaigns, while one claim chooses."""

    def __init__(self, campaigns: Mapping[int, tuple[int, int]]) -> None:
        """`campaigns` has, by id, how far each has come, and its weight."""
        self._strides = {id_: stride_of(weight) for id_, (_, weight) in campaigns.items()}
        farthest = max((at for at, _ in campaigns.values()), default=0)
        floor = farthest - max(self._strides.values(), default=0)
        # Of equals the one that was least far before it was moved up goes first: it has waited longest.
        self._queue = [(max(at, floor), at, id_) for id_, (at, _) in campaigns.items()]
        heapify(self._queue)
        self.moved: dict[int, int] = {}  # how far those that took a turn have come by now

    def turn(self) -> int | None:
        """The campaign whose turn it is; None when none is left."""
        return self._queue[0][2] if self._queue else None

    def took(self) -> None:
        """It took its turn."""
        at, _, id_ = self._queue[0]
        at += self._strides[id_]
        self.moved[id_] = at
        heapreplace(self._queue, (at, at, id_))

    def passed(self) -> None:
        """It has nothing more to submit in this claim."""
        heappop(self._queue)
