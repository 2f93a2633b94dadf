"""Files by a pattern, as people mean it: an ending in any case, `{jpg,png}` for either."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_SAME: Final = (frozenset({"jpg", "jpeg"}), frozenset({"tif", "tiff"}), frozenset({"heic", "heif"}))
"""Endings of one format: whoever writes one of them means the others, too."""

_BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
_PATTERNS_MAX: Final = 64
_NUMBER: Final = re.compile(r"([0-9]{1,18})")


class FoundFiles(NamedTuple):
    """What a pattern matches, and a remark on pictures beside that it does not."""

    rows: list[dict[str, str]]
    note: str


def found_files(folder: Path, pattern: str) -> FoundFiles:
    """Every regular file below `folder` that matches, sorted by path as people count: img2 before img10.
    Hidden ones are none.

    Raises OSError, and whatever `Path.glob` raises for a pattern that it does not take.
    """
    paths: set[Path] = set()
    for one in patterns(pattern):
        paths.update(path for path in folder.glob(one) if path.is_file() and path.name[0] != ".")
    rows = [
        {"path": Path(os.path.relpath(path, folder)).as_posix(), "name": path.name, "stem": path.stem}
        for path in sorted(paths, key=in_order)
    ]
    return FoundFiles(rows, _beside(folder, pattern, paths))


def in_order(path: Path) -> tuple[list[tuple[str, int, str]], str]:
    """The place of a path: numbers in it by their value, whatever their zeros. The same for everybody."""
    parts = _NUMBER.split(path.as_posix())
    texts, numbers = parts[::2], [*parts[1::2], ""]
    return [(text, int(number or 0), number) for text, number in zip(texts, numbers, strict=True)], str(path)


def patterns(pattern: str) -> list[str]:
    """The patterns of a pattern: each choice of its braces, with an ending in any case."""
    return [_any_case(one) for one in _expanded(pattern)]


def _expanded(pattern: str) -> Iterator[str]:
    waiting, given = [pattern], 0
    while waiting and given < _PATTERNS_MAX:
        one = waiting.pop(0)
        if (match := _BRACES.search(one)) and len(waiting) < _PATTERNS_MAX:
            waiting += [one[: match.start()] + choice + one[match.end() :] for choice in match[1].split(",")]
        else:
            given += 1
            yield one


def _any_case(pattern: str) -> str:
    """`*.jpg` as `*.[jJ][pP][gG]`: cameras write .JPG. Only the ending, and only of plain letters."""
    head, dot, ending = pattern.rpartition(".")
    if not dot or not ending.isascii() or not ending.isalnum():
        return pattern
    return (
        head + dot + "".join(f"[{char.lower()}{char.upper()}]" if char.isalpha() else char for char in ending)
    )


def _beside(folder: Path, pattern: str, paths: set[Path]) -> str:
    """A remark on pictures of the same format with its other ending: `*.jpg`, beside which .jpeg lies."""
    head, dot, ending = pattern.rpartition(".")
    others = next((same - {ending.lower()} for same in _SAME if ending.lower() in same), frozenset[str]())
    if not dot or not head.endswith("*") or not others:
        return ""
    found = {
        path
        for other in others
        for path in folder.glob(_any_case(f"{head}.{other}"))
        if path not in paths and path.is_file() and path.name[0] != "."
    }
    if not found:
        return ""
    number = "1 more picture" if len(found) == 1 else f"{len(found):,} more pictures"
    wanted = ",".join(sorted({ending, *(path.suffix[1:].lower() for path in found)}))
    return (
        f'"{pattern}" does not take {number} beside ({min(found).name}); to take all: "{head}.{{{wanted}}}"'
    )
