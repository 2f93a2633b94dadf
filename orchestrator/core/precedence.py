"""Which word on a cap or a limit counts, when files and people name the same one.

The first word counts at once, and so does a later, stricter one. A looser one is a decision of a person. What
a person decided stands over every file that he knew of when he decided, and gives way to a stricter word that
came later. A built-in default is nobody's word.
"""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What a word on a cap or a limit means beside the one that is in force."""

    FIRST = "first"  # nobody has said anything yet: it counts
    SAME = "same"
    STRICTER = "stricter"  # counts at once
    LOOSER = "looser"  # counts when a person says so
    OVERRULED = "overruled"  # a person knew of it, and has decided otherwise


@dataclass(frozen=True, slots=True)
class StandingWord:
    """The word that is in force."""

    value: int
    by_default: bool = False
    by_operator: bool = False
    overruled: int | None = None  # the strictest word of a file that the operator has decided against

    @property
    def files_said(self) -> int | None:
        """The strictest word of a file that is known; None when none is."""
        return self.overruled if self.by_operator else None if self.by_default else self.value


def weigh(wanted: int, standing: StandingWord | None) -> Weight:
    """What the word `wanted` of a file means beside the one that stands (None: there is none)."""
    if standing is None or standing.by_default:
        return Weight.FIRST
    if wanted == standing.value:
        return Weight.SAME
    if standing.by_operator and standing.overruled is not None and _known(wanted, standing):
        return Weight.OVERRULED
    return Weight.LOOSER if wanted > standing.value else Weight.STRICTER


def _known(wanted: int, standing: StandingWord) -> bool:
    """Whether the operator knew of this word, or of one as strict."""
    assert standing.overruled is not None
    return wanted == standing.overruled or standing.overruled < wanted < standing.value


def strictest(*words: int | None) -> int | None:
    """The strictest of some words, of which some may not have been said."""
    said = [word for word in words if word is not None]
    return min(said) if said else None
