"""Which try of a cell is chosen: its picture has the clean name, the others lie beside it.

A cell is what owns a clean output path of a manifest: one combination and variation, one picture of it. Its
tries are the pictures that were made for it: the first, after an edit, in another run key, a retry, a redo.

| Of its stored tries | the choice is |
|---|---|
| some are accepted | the one that was accepted last |
| none, and some are not rejected | of those the newest |
| all are rejected | the newest: a rejected picture is better than none, and no name is taken from it |

*Newest* is what was asked for last, not what came last: after an edit, a picture of the earlier wording that
was still under way does not take the name back. Flagged pictures in quarantine are no candidates: they stay
there, whatever is said of them, and take the name from nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Try:
    """One stored picture of a cell, out of quarantine; in the order of when they were asked for."""

    asked_at: int  # ms
    job_id: int
    attempt: int  # its number; 0 for a copy
    index: int  # as in its row
    rejected: bool = False
    accepted: int = 0  # the greater, the later it was accepted; 0: it is not accepted


def chosen(tries: Iterable[Try]) -> Try | None:
    """The try whose picture has the clean name; None where there is none."""
    known = sorted(tries)
    accepted = [each for each in known if each.accepted]
    if accepted:
        return max(accepted, key=lambda each: (each.accepted, each))
    newest = [each for each in known if not each.rejected] or known
    return newest[-1] if newest else None
