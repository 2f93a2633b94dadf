"""What a value of an axis is called: in plans, in lists of jobs, and on pages that are laid out by axis.

A plain value is its own text. A row is called by the column that tells rows apart: one that is named like a
key, else the first whose values differ.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from orchestrator.manifest.combining.axes import Axis, AxisValue, Source
from orchestrator.manifest.templating.template_problems import Hole

ROWS_LOOKED_AT: Final = 5_000
"""How many rows are compared to find the column; beyond them, rows with equal names stay so."""

MOSTLY: Final = 0.9
"""A column that is named like a key may repeat itself this little: messy tables name a product twice."""

LABEL_CHARS_MAX: Final = 80
KEYS: Final = ("sku", "id", "key", "code", "article", "artikelnr", "artikelnummer", "stem", "name", "title")

Pairs = tuple[tuple[str, str], ...]


class Labels:
    """Names for the values of all axes, the same in every pass."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._columns = {
            name: _column(source) for axis in axes for name, source in axis.sources.items() if _rows(source)
        }
        self._kept: dict[int, dict[int, Pairs]] = {place: {} for place in range(1, len(axes))}
        self._last: tuple[int, Pairs] = (-1, ())

    def pairs(self, values: Sequence[AxisValue]) -> Pairs:
        """The name of each axis with the name of its value, in the manifest's order."""
        found: Pairs = ()
        for place, value in enumerate(values):
            found += self._of(place, value)
        return found

    def _of(self, place: int, value: AxisValue) -> Pairs:
        if value.number < 0:
            return self._named(value)
        if place == 0:  # the outermost axis may be as long as a table, so only the present value is kept
            if self._last[0] != value.number:
                self._last = (value.number, self._named(value))
            return self._last[1]
        kept = self._kept[place]
        if value.number not in kept:
            kept[value.number] = self._named(value)
        return kept[value.number]

    def _named(self, value: AxisValue) -> Pairs:
        return tuple([(name, self._label(name, bound, value)) for name, bound in value.bindings.items()])

    def _label(self, name: str, bound: Any, value: AxisValue) -> str:
        if not isinstance(bound, Mapping):
            return _words(bound)[:LABEL_CHARS_MAX]
        column, repeated = self._columns.get(name, ("", frozenset[str]()))
        text = _words(bound[column]) if column in bound else ""
        text = text[:LABEL_CHARS_MAX] or next((_words(one) for one in bound.values() if one != ""), "")
        if value.number >= 0 and (not text or text in repeated):
            row = re.search(r"row \d+$", value.place)
            text = f"{text} ({row[0] if row else value.number + 1})".strip()
        return text


def _words(value: Any) -> str:
    """Whatever a table may hold, on one line."""
    if value is None or isinstance(value, Hole):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split())


def _rows(source: Source) -> bool:
    return source.table is not None or source.columns != ()


def _column(source: Source) -> tuple[str, frozenset[str]]:
    """The column that names rows, and those of its values that several rows have."""
    rows = [value for value, _origin in islice(source.items(), ROWS_LOOKED_AT) if isinstance(value, Mapping)]
    columns = list(dict.fromkeys(column for row in rows[:100] for column in row))
    texts = {column: Counter(_words(row.get(column, "")) for row in rows) for column in columns}
    named = [column for column in columns if _key(column) in KEYS]
    named.sort(key=lambda column: KEYS.index(_key(column)))
    apart = [column for column in named if len(texts[column]) >= MOSTLY * len(rows)]
    apart += [column for column in columns if len(texts[column]) == len(rows)]
    best = next(iter([*apart, *columns]), "")
    return best, frozenset(text for text, times in texts.get(best, Counter()).items() if times > 1)


def _key(column: str) -> str:
    return re.sub(r"[^a-z]+", "", column.casefold())
