"""How far a database had come, recorded outside of it."""

from typing import Protocol


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
