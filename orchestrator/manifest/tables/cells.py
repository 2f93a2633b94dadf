"""Cells and headers of tables, as people mean them: without blanks at the ends and without invisible
characters.
"""

import re
from typing import Final

from orchestrator.manifest.templating.template_problems import Hole

_INVISIBLE: Final = "\u200b\u2060\ufeff"
"""Zero-width space, word joiner, byte order mark: they mean nothing anywhere. Joiners (U+200C, U+200D) belong
to some scripts and to emoji, so those are dropped at the ends alone."""

_DROPPED: Final = str.maketrans(dict.fromkeys(_INVISIBLE))
_DROPPED_FROM_HEADERS: Final = str.maketrans(dict.fromkeys(f"{_INVISIBLE}\u200c\u200d\u00ad"))
_ENDS: Final = re.compile(r"\A[\s\u200c\u200d]+|[\s\u200c\u200d]+\Z")
_SPREADSHEET_ERRORS: Final = frozenset(
    {"#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)


def trimmed(text: str) -> str:
    """A cell without blanks (no-break ones too) at its ends and without characters that nobody can see."""
    if text.isascii():
        return text.strip()
    return _ENDS.sub("", text.translate(_DROPPED))


def header_name(text: str) -> str:
    """A column's name: trimmed, and every run of blanks and line ends in it one space."""
    return " ".join(text.translate(_DROPPED_FROM_HEADERS).split())


def blank(text: str) -> bool:
    """Whether a cell has no value at all."""
    return not text or not trimmed(text)


class Column:
    """One column of a table: gives its cells, with one hole for all that are empty."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._empty = Hole(name, "is empty")

    def cell(self, text: str) -> str:
        """The value of a cell: its trimmed text, or a hole."""
        found = trimmed(text)
        if not found:
            return self._empty
        if found[0] == "#" and found in _SPREADSHEET_ERRORS:
            return Hole(self.name, f"holds {found}, an error of the spreadsheet", found)
        return found
