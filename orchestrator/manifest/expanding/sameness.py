"""Which combinations ask for the same billed work, and what all the rows of one job have in common."""

from typing import Final

from orchestrator.manifest.combining.labels import Pairs
from orchestrator.manifest.expanding.fingerprints import Fingerprints

_ORDINAL_BITS: Final = 26  # more than the jobs that any manifest may ask for
_STAGES_BITS: Final = 40  # than with all the jobs of stages, each of which has room
_LOW_WORD: Final = (1 << 64) - 1


class Sameness:
    """The keys of one pass, 16 bytes each; `merged` has the ordinals of jobs that several rows ask for, and
    the names that every further row shares.
    """

    def __init__(self, *, stages: bool = False) -> None:
        self.merged: dict[int, Pairs] = {}
        self._keys = Fingerprints()
        self._bits = _STAGES_BITS if stages else _ORDINAL_BITS

    def first_of(self, key: str, ordinal: int) -> int | None:
        """The ordinal of the job that has this key; None when it is new, and is this one from now on."""
        digest, bits = int(key, 16), self._bits
        payload = (digest & (_LOW_WORD >> bits)) << bits | ordinal
        known = self._keys.add(digest >> 64, payload)
        if known is None or known >> bits != payload >> bits:
            return None
        return known & ((1 << bits) - 1)

    def merge(self, first: int, row: Pairs) -> None:
        """One more row, of these names, asks for the job of the ordinal `first`."""
        self.merged[first] = tuple(pair for pair in self.merged.get(first, row) if pair in row)
