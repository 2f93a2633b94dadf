"""Cells that a program or a spreadsheet has written over: an article number as 1.2E+12, an empty cell as nan.

They may be meant, so they are a warning, and only where a template writes them.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from orchestrator.core.suggest import listed
from orchestrator.manifest.combining.axes import Axis

ROWS_LOOKED_AT: Final = 50_000
"""Of each axis: the rows are read once more for it."""

_ROWS_NAMED: Final = 8
_TEXT_MAX: Final = 40
_ROUNDED: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d+")
_NO_VALUE: Final = frozenset({"nan", "<na>", "none", "null", "nil", "undefined", "nat"})


_LOST: Final = "a spreadsheet wrote a long number shortly, and its digits are lost: export it as text"
_WORD: Final = "the word of a program for an empty cell: empty it, or leave such rows out by `where`"


class _Column(NamedTuple):
    table: str
    name: str
    why: str


def odd_cells(axes: Sequence[Axis], used: Collection[tuple[str, str]]) -> list[str]:
    """A sentence for each column with such cells; `used` are axis and column of those that templates use."""
    found: dict[_Column, dict[int, str]] = {}
    for axis in axes:
        wanted = [(name, column) for name, column in used if name in axis.sources]
        tables = [source.table for source in axis.sources.values() if source.table is not None]
        if not wanted or not tables:
            continue
        for value in islice(axis.values(), ROWS_LOOKED_AT):
            for row in value.rows:
                for column, text, why in _odd(value.bindings.get(row.name), row.name, wanted):
                    found.setdefault(_Column(row.table.path.name, column, why), {})[row.number] = text
    return [_words(column, cells) for column, cells in found.items()]


def _odd(cells: object, name: str, wanted: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    if not isinstance(cells, Mapping):
        return
    for axis, column in wanted:
        text = cells.get(column) if axis == name else None
        if not isinstance(text, str):
            continue
        if _ROUNDED.fullmatch(text):
            yield column, text, _LOST
        elif text.lower() in _NO_VALUE:
            yield column, text, _WORD


def _words(column: _Column, cells: Mapping[int, str]) -> str:
    rows = list(cells)
    shown = f"row{'s' if len(rows) > 1 else ''} {listed((str(number) for number in rows), limit=_ROWS_NAMED)}"
    return (
        f'{column.table}: column {column.name} holds "{cells[rows[0]][:_TEXT_MAX]}" in {shown}: {column.why}'
    )
