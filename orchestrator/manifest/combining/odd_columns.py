"""Columns whose names a dot cannot reach: `Artikel-Nr.`, `Image Src`. They are written `p['Image Src']`."""

import re
from collections.abc import Mapping
from typing import Final

from orchestrator.core.suggest import nearest
from orchestrator.manifest.combining.axes import Source

_EXPRESSION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TAIL: Final = r"\.([^|}\[\]()~'\"=<>!,+]+)"


def reference(axis: str, column: str) -> str:
    """How a template names a column."""
    if column.isidentifier():
        return f"{axis}.{column}"
    quote = '"' if "'" in column else "'"
    return f"{axis}[{quote}{column}{quote}]"


def odd_column(text: str, sources: Mapping[str, Source]) -> tuple[str, str, str] | None:
    """Axis, column and the words of the text, where a template reaches with a dot for a column that only
    brackets reach.
    """
    for axis, source in sources.items():
        odd = [column for column in source.columns or () if not column.isidentifier()]
        if not odd:
            continue
        for expression in _EXPRESSION.findall(text):
            for match in re.finditer(rf"\b{re.escape(axis)}{_TAIL}", expression):
                words = match[1].strip()
                if words not in odd and words.isidentifier():
                    continue
                if column := _meant(words, odd, source.columns or ()):
                    return axis, column, f"{axis}.{words}"
    return None


def _meant(words: str, odd: list[str], columns: tuple[str, ...]) -> str | None:
    """The odd column that some words behind a dot mean, if they mean one."""
    starts = [column for column in odd if words.startswith(column)]
    if starts:
        return max(starts, key=len)
    first = words.split(maxsplit=1)[0].split("-", maxsplit=1)[0]
    if first in columns or (first.isidentifier() and words == first):
        return None
    return nearest(words, odd)
