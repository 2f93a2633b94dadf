"""A YAML document as plain data that remembers where everything stands."""

import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from orchestrator.yamlio.problems import Problem

Path = tuple[str | int, ...]
_LINES_MAX: Final = 200  # of one text, searched for a part of it
_SPECIAL: Final = re.compile(r"\.(inf|nan)")


class Mark(NamedTuple):
    """A position; both count from 1."""

    line: int
    column: int


class TableCell(NamedTuple):
    """A cell of a table: the table's name, the row's number, the column; row 0 and no column when unknown."""

    table: str
    row: int
    field: str = ""


class Number(float):
    """A number with a fraction that also keeps the text it was written as, so that 40.00 stays 40.00."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Parse `text`; a magnitude no float can hold becomes infinite."""
        number = super().__new__(cls, _SPECIAL.sub(r"\1", text.lower()))
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@dataclass(slots=True)
class Node:
    """One value of a document: its plain data, its place, and the nodes inside it."""

    path: Path
    value: Any
    mark: Mark
    key_mark: Mark | None = None
    text: str | None = None  # the source text of a scalar, without quotes
    quoted: bool = False
    children: "dict[str | int, Node]" = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The path as messages show it: `matrix.scene[2]`."""
        return path_text(self.path)


@dataclass(slots=True)
class Document:
    """A whole file: plain data, the tree of nodes behind it, and the lines for snippets."""

    file: str
    data: Any
    root: Node
    lines: list[str]
    digest: str  # lowercase hex of the SHA-256 of the file's bytes

    def node(self, path: Path) -> Node:
        """The node at `path`, or the nearest one above it."""
        node = self.root
        for step in path:
            child = node.children.get(step)
            if child is None:
                break
            node = child
        return node

    def mark(self, path: Path) -> Mark:
        """Where the value at `path` stands, or the nearest one above it."""
        return self.node(path).mark

    def key_mark(self, path: Path) -> Mark:
        """Where the key of `path` stands; for a list item or the root, where the value stands."""
        node = self.node(path)
        return node.key_mark or node.mark

    def problem(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        at_key: bool = False,
        notes: tuple[str, ...] = (),
        part: str = "",
        cell: TableCell | None = None,
        combination: tuple[tuple[str, str], ...] = (),
    ) -> Problem:
        """A problem at the value (or key) of `path`, or where `part` of its text stands."""
        node = self.node(path)
        mark = (node.key_mark or node.mark) if at_key else node.mark
        if at_key and node.path:
            width = len(str(node.path[-1]))
        else:
            width = len(node.text) + 2 * node.quoted if node.text is not None else 1
        if part and (found := self._find(part, mark)):
            mark, width = found, len(part)
        return Problem(
            file=self.file,
            line=mark.line,
            column=mark.column,
            path=path_text(path),
            message=message,
            hint=hint,
            source=self.line(mark.line),
            width=width,
            notes=notes,
            table=cell.table if cell else "",
            row=cell.row if cell else 0,
            field=cell.field if cell else "",
            combination=combination,
        )

    def _find(self, part: str, mark: Mark) -> Mark | None:
        """Where a part of a text stands that begins at `mark` and may go on over some lines: a whole word,
        and in a template first, since short names stand in any prose.
        """
        word = rf"(?<![\w.]){re.escape(part)}(?!\w)" if part[0] != "{" else re.escape(part)
        for pattern in (rf"\{{\{{[^}}]*?({word})", f"({word})"):
            for number in range(mark.line, min(mark.line + _LINES_MAX, len(self.lines) + 1)):
                start = mark.column - 1 if number == mark.line else 0
                if found := re.compile(pattern).search(self.lines[number - 1], start):
                    return Mark(number, found.start(1) + 1)
        return None

    def line(self, number: int) -> str | None:
        """The text of a line, counted from 1."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else None


def path_text(path: Path) -> str:
    """`matrix.scene[2]` of `("matrix", "scene", 2)`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
