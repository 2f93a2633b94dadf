"""Which combinations ask for the same billed work, and what all the rows of one job have in common."""

from typing import Final

from orchestrator.manifest.fingerprints import Fingerprints
from orchestrator.manifest.labels import Pairs

_ORDINAL_BITS: Final = 26  # more than the jobs that any manifest may ask for
_ORDINAL: Final = (1 << _ORDINAL_BITS) - 1
_LOW_WORD: Final = (1 << 64) - 1


class Sameness:
    """The keys of one pass, 16 bytes each; `merged` has the ordinals of jobs that several rows ask for, and
    the names that every further row shares.
    """

    def __init__(self) -> None:
        self.merged: dict[int, Pairs] = {}
        self._keys = Fingerprints()

    def first_of(self, key: str, ordinal: int) -> int | None:
        """The ordinal of the job that has this key; None when it is new, and is this one from now on."""
        digest = int(key, 16)
        payload = (digest & (_LOW_WORD >> _ORDINAL_BITS)) << _ORDINAL_BITS | ordinal
        known = self._keys.add(digest >> 64, payload)
        if known is None or known >> _ORDINAL_BITS != payload >> _ORDINAL_BITS:
            return None
        return known & _ORDINAL

    def merge(self, first: int, row: Pairs) -> None:
        """One more row, of these names, asks for the job of the ordinal `first`."""
        self.merged[first] = tuple(pair for pair in self.merged.get(first, row) if pair in row)
