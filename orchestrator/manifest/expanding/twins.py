"""Rows that ask for exactly the billed work of an earlier one, and for files of their own."""

from collections.abc import Sequence
from typing import Final

from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.expanding.findings import described

NAMED_MAX: Final = 3


class Twins:
    """How many there are, of which jobs, and the first of them for people."""

    def __init__(self) -> None:
        self.rows = 0
        self.files = 0
        self.firsts: set[int] = set()  # ordinals of the jobs
        self._named: list[tuple[int, str]] = []
        self._names_of_firsts: dict[int, str] = {}

    def add(
        self, first: int, values: Sequence[AxisValue], paths: tuple[str, ...], *, follows: bool = False
    ) -> None:
        """A row that shares the job of ordinal `first`; one that only `follows` is of a row that was counted
        already, and shares what is made of its pictures too.
        """
        if follows:
            self.files += len(paths)
            self.firsts.add(first)
            return
        self.rows += 1
        self.files += len(paths)
        self.firsts.add(first)
        if len(self._named) < NAMED_MAX:
            self._named.append((first, _name(values, paths)))

    def name_first(self, ordinal: int, values: Sequence[AxisValue], paths: tuple[str, ...]) -> None:
        """The row that a shared job is made from."""
        if any(first == ordinal for first, _name in self._named):
            self._names_of_firsts[ordinal] = _name(values, paths)

    def words(self) -> str:
        """What a plan says; empty when there are none."""
        if not self.rows:
            return ""
        rows = "1 row asks" if self.rows == 1 else f"{self.rows:,} rows ask"
        pairs = [
            f"{name} is a copy of {self._names_of_firsts[first]}" if first in self._names_of_firsts else name
            for first, name in self._named
        ]
        more = f" and {self.rows - len(pairs):,} more" if self.rows > len(pairs) else ""
        files = "1 file is made as a copy" if self.files == 1 else f"{self.files:,} files are made as copies"
        return (
            f"{rows} for exactly the same work as an earlier one. It is paid once, and {files}: "
            f"{', '.join(pairs)}{more}. To have a picture of its own, name in the prompt what differs, or "
            "use variations"
        )


def _name(values: Sequence[AxisValue], paths: tuple[str, ...]) -> str:
    where = described(tuple(values))
    return f"{paths[0]} ({where})" if where else paths[0]
