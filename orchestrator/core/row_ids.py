"""Ids of rows in texts that come from outside."""

from typing import Final

DIGITS_MAX: Final = 18
"""A number of so many digits fits into the 64 bits of an id."""


def row_id(text: str) -> int | None:
    """The id; None for what is none."""
    is_id = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
    return int(text) if is_id else None
