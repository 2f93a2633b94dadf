"""What keeps a template from being read or filled in."""

from typing import NamedTuple, Self

from orchestrator.yamlio.document import Path


class Hole(str):
    """A cell of a table that has no text to use: it is empty, or holds an error of the spreadsheet.

    It may be compared, asked for (`x if p.name else y`) and replaced (`| default("...")`); a template that
    writes it raises, whatever filters it goes through. So nothing is bought with a gap in its prompt.
    """

    __slots__ = ("column", "fault")
    column: str
    fault: str

    def __new__(cls, column: str, fault: str, text: str = "") -> Self:
        """The hole in `column`; `fault` says what it is, such as "is empty"."""
        hole = super().__new__(cls, text)
        hole.column = column
        hole.fault = fault
        return hole

    def problem(self) -> "TemplateProblem":
        """What is said of a template that writes it."""
        return TemplateProblem(f"column {self.column} {self.fault}", hole=self)

    def __str__(self) -> str:
        raise self.problem()

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)


class TemplateProblem(Exception):  # noqa: N818 - it becomes a Problem, it is not raised to users
    """A template cannot be read or filled in: what is wrong, how to mend it, and the cell that it is about.

    `part` is the text to point at, when only a part of the template is wrong.
    """

    def __init__(self, message: str, hint: str = "", *, hole: Hole | None = None, part: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.hole = hole
        self.part = part


class Wrong(NamedTuple):
    """A problem of one combination, at a path of the manifest."""

    path: Path
    message: str
    hint: str
    hole: Hole | None = None


def wrong_at(path: Path, error: TemplateProblem) -> Wrong:
    """A problem with a template, at its path."""
    return Wrong(path, error.message, error.hint, hole=error.hole)
