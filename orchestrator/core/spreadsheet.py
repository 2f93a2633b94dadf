"""Tables for spreadsheets: text in cells stays text."""

import csv
import io
from collections.abc import Sequence
from typing import Final, Self

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

MARK: Final = "\ufeff"
"""What a spreadsheet knows UTF-8 by, at the beginning of a file."""


class Amount(str):
    """Decimal text of an amount in US dollars with six digits: a number, also where it begins with a sign."""

    __slots__ = ()

    def __new__(cls, micros: int) -> Self:
        """Of an amount in micros."""
        sign, value = ("-", -micros) if micros < 0 else ("", micros)
        return super().__new__(cls, f"{sign}{value // 1_000_000}.{value % 1_000_000:06d}")


def row(cells: Sequence[str | int]) -> str:
    """One line of CSV. A text that a spreadsheet would take for a formula begins with an apostrophe."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_cell(each) for each in cells])
    return buffer.getvalue()


def _cell(value: str | int) -> str | int:
    if isinstance(value, str) and not isinstance(value, Amount) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
