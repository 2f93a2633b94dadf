"""How far a database had come, recorded outside of it."""

from enum import Enum
from typing import Protocol


class MarkState(Enum):
    """What the mark says of the database."""

    OURS = "ours"  # the database is as new as its mark
    AHEAD = "ahead"  # the database has forgotten attempts: a restored backup
    ABSENT = "absent"  # nothing is known


def state_of_mark(marked: int | None, highest: int) -> MarkState:
    """What a mark says of a database whose newest attempt is `highest`, 0 without any."""
    if marked is None or (marked == 0 and highest):
        return MarkState.ABSENT  # what no claim has marked was made again from pictures on disk
    return MarkState.AHEAD if marked > highest else MarkState.OURS


class DatabaseMark(Protocol):
    """Kept where a restored backup of the database does not reach: beside the outputs."""

    def highest(self, database_id: str) -> int | None:
        """The highest attempt that was recorded for this database; None without a readable mark."""
        ...

    def write(self, database_id: str, attempt_id: int) -> None:
        """Record the highest attempt, in place of what was recorded; never raises."""
        ...


class NoMark:
    """Nothing is kept."""

    def highest(self, _database_id: str) -> int | None:
        """There is no mark."""
        return None

    def write(self, _database_id: str, _attempt_id: int) -> None:
        """Nothing is recorded."""
