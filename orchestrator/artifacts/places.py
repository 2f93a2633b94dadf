"""Where a picture may go: inside the output root, under its own name, whatever was asked for."""

from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.core.paths import EXTENSIONS

TEMP_FOLDER: Final = ".orchestrator-tmp"
OWN_FOLDER: Final = ".orchestrator"
"""Marks of databases, and small pictures: nothing in it is an output."""

_NAME_BYTES_MAX: Final = 255
_ALL_EXTENSIONS: Final = frozenset(e for fitting in EXTENSIONS.values() for e in fitting)


class NsfwPolicy(StrEnum):
    """What happens to an output that the provider flagged."""

    KEEP = "keep"
    QUARANTINE = "quarantine"
    DISCARD = "discard"


class UnsafePlaceError(ValueError):
    """A path that does not stay inside the output root, or cannot be a file name."""


def relative_place(path: str) -> PurePosixPath:
    """`path` as a relative path that stays below its root; raises UnsafePlaceError for any trick."""
    place = PurePosixPath(path)
    if not path or path.startswith("/") or place.is_absolute() or "\\" in path:
        raise UnsafePlaceError(f"{path!r} is not a relative path")
    for part in path.split("/"):
        if part in {"", ".", ".."} or not part.isprintable():
            raise UnsafePlaceError(f"{path!r} has the part {part!r}")
        if len(part.encode("utf-8", "surrogatepass")) > _NAME_BYTES_MAX:
            raise UnsafePlaceError(f"{path!r} has a part longer than {_NAME_BYTES_MAX} bytes")
    if place.parts[0] in {TEMP_FOLDER, OWN_FOLDER}:
        raise UnsafePlaceError(f"{path!r} is in a folder of the program's own")
    return place


def with_real_extension(place: PurePosixPath, media_type: str) -> PurePosixPath:
    """`place` with the extension of its real type: a `.png` that is a JPEG becomes `.jpg`."""
    fitting = EXTENSIONS[media_type]
    suffix = place.suffix.lower()
    if suffix in fitting:
        return place
    stem = place.stem if suffix in _ALL_EXTENSIONS else place.name
    return place.with_name(stem + fitting[0])


def possible_places(place: PurePosixPath) -> list[PurePosixPath]:
    """Every name that the picture planned for `place` may have been given, the planned one first."""
    return list(dict.fromkeys([place, *(with_real_extension(place, kind) for kind in EXTENSIONS)]))


def missing_folders(root: Path, place: PurePosixPath) -> list[Path]:
    """The folders that have to be made for `place`, outermost first.

    Raises UnsafePlaceError when a folder on the way is a link that leads out of `root`, or is no folder at
    all.
    """
    missing: list[Path] = []
    folder = root
    for part in place.parent.parts:
        folder /= part
        if folder.is_symlink() and not folder.resolve().is_relative_to(root.resolve()):
            raise UnsafePlaceError(f"{folder} is a link that leads out of the output folder")
        if not folder.exists():
            missing.append(folder)
        elif not folder.is_dir():
            raise UnsafePlaceError(f"{folder} is a file, not a folder")
    return missing
