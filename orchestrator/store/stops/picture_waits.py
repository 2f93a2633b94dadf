"""Runs some of whose jobs wait for pictures of others that do not come by themselves."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestrator.store.db.database import Tx
from orchestrator.store.runs import blocked

UNJUDGED: Final = "unjudged"
"""The reason of a run some of whose jobs take only accepted pictures, and those are not judged yet."""

NO_PICTURE: Final = "no_picture"
"""The reason of one whose jobs have nothing to be made of: it stops nothing."""


class PictureWait(NamedTuple):
    """What is said of a run."""

    run_id: int
    run: str  # campaign/name/run
    reason: str
    message: str


def picture_waits(tx: Tx) -> list[PictureWait]:
    """What is to be said, in the order of runs."""
    return list(_said(tx))


def _said(tx: Tx) -> Iterator[PictureWait]:
    found = {run_id: counts for run_id, counts in blocked.of_runs(tx).items() if counts.word or counts.none}
    names = blocked.names(tx, found) if found else {}
    for run_id, counts in sorted(found.items()):
        if counts.word:
            words = f"jobs that wait for accepted pictures: {counts.word:,}"
            yield PictureWait(run_id, names[run_id], UNJUDGED, message=words)
        if counts.none:
            words = (
                f"jobs that wait for pictures which do not come by themselves: {counts.none:,}. What makes "
                "those failed, was called off, or is not wanted"
            )
            yield PictureWait(run_id, names[run_id], NO_PICTURE, message=words)
