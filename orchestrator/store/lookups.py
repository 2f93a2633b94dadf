"""Looking up many rows by key: a statement takes a bounded number."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

LOOKUP_CHUNK: Final = 500


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items, as many at a time as one statement takes."""
    for start in range(0, len(items), LOOKUP_CHUNK):
        yield items[start : start + LOOKUP_CHUNK]
