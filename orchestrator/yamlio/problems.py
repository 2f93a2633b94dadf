"""Problems with a position, rendered the way compilers do it, and the error that carries all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from orchestrator.core.errors import UsageError

SHOWN_MAX: Final = 20
CLOSING: Final = "Nothing was written and nothing was spent."
_SNIPPET_MAX: Final = 160
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
_PRINTABLE_MIN: Final = 0x20
_DELETE: Final = 0x7F
_C1_MAX: Final = 0x9F


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, what is allowed, how to mend it.

    `line` and `column` count from 1; both are 0 when the whole file is meant. `path` names the place inside
    the document, such as `matrix.scene[2]`, and is empty for the document itself. `source` is the line's
    text. `table`, `row` (0: none) and `field` name the cell of a table that it is about, `combination` the
    values of the axes where it was met.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""
    source: str | None = None
    width: int = 1
    notes: tuple[str, ...] = ()
    table: str = ""
    row: int = 0
    field: str = ""
    combination: tuple[tuple[str, str], ...] = ()

    @property
    def position(self) -> str:
        """`file:line:column`, or the file alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def render(self) -> str:
        """`file:line:column: path: message`, then the line with a caret and the hint."""
        where = f"{self.path}: " if self.path else ""
        head = f"{self.position}: {where}{self.message}"
        lines = [_visible(head), *self._snippet()]
        if self.hint and self.source is None:
            lines.append(_visible(f"   = {self.hint}"))
        lines += [_visible(f"   = {note}") for note in self.notes]
        return "\n".join(lines)

    def _snippet(self) -> list[str]:
        if self.source is None or not self.line:
            return []
        number = str(self.line)
        gutter = " " * len(number)
        start = max(0, self.column - 1 - _SNIPPET_MAX // 2) if len(self.source) > _SNIPPET_MAX else 0
        text = self.source[start : start + _SNIPPET_MAX]
        before = text[: self.column - 1 - start]
        lead = "".join("\t" if char == "\t" else " " * len(_visible(char)) for char in before)
        caret = "^" * max(1, min(self.width, len(text) - len(before)))
        return [
            f"{gutter} |",
            f"{number} | {_visible(text)}",
            f"{gutter} | {lead}{caret} {_visible(self.hint)}".rstrip(),
        ]


class ProblemsError(UsageError):
    """A document has problems; `problems` holds all of them, sorted by position."""

    def __init__(self, problems: Iterable[Problem], *, complete: bool = True) -> None:
        self.problems = sorted(
            dict.fromkeys(problems), key=lambda item: (item.file, item.line, item.column, item.message)
        )
        self.complete = complete
        super().__init__(self.render())

    def render(self) -> str:
        """Every problem (20 at most, then how many more) and what this means: nothing happened."""
        blocks = [problem.render() for problem in self.problems[:SHOWN_MAX]]
        more = len(self.problems) - SHOWN_MAX
        if more > 0:
            blocks.append(f"... and {more} more")
        count = len(self.problems)
        total = f"{count} problem{'s' if count != 1 else ''}"
        if not self.complete:
            total = f"{total} so far; the rest was not checked"
        return "\n\n".join([*blocks, f"{total}. {CLOSING}"])


class ProblemReport:
    """Collects problems while something is checked."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Keep one problem."""
        self.problems.append(problem)

    def raise_if_any(self) -> None:
        """Raise ProblemsError with everything collected; return when there is nothing."""
        if self.problems:
            raise ProblemsError(self.problems)


def _visible(text: str) -> str:
    """`text` with control and direction-changing characters spelt out, so that no file can paint the
    terminal.
    """
    if text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if char == "\t" or (code >= _PRINTABLE_MIN and not _DELETE <= code <= _C1_MAX and char not in _BIDI):
        return char if not 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"  # noqa: PLR2004 - the surrogates
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
