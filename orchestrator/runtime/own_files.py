"""Files that a user names for the program's output: only a plain file that is ours is ever replaced."""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from orchestrator.core.errors import StorageError

MODE: Final = 0o640
FOLDER_MODE: Final = 0o750
HEAD_BYTES: Final = 4096
"""How far into a file its marks are looked for."""


def refuse_others(target: Path, marks: tuple[str, ...], kind: str) -> None:
    """Raise StorageError unless nothing is at `target`, or a plain file with one of `marks` near its
    beginning: a `kind` of ours, in words.
    """
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(target, error) from None
    if not stat.S_ISREG(mode):
        what = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "no plain file"
        raise StorageError(f"{target} is {what}, so it is left alone. Name another place with -o FILE.")
    try:
        with target.open("rb") as stream:
            head = stream.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise _unwritable(target, error) from None
    if head and not any(mark in head for mark in marks):
        raise StorageError(
            f"{target} is there already and is no {kind} of this program, so it is left alone. Remove it, or "
            "name another place with -o FILE."
        )


def replace(target: Path, text: str) -> None:
    """Write the file beside its name and rename it; readable by owner and group. Raises StorageError.

    What is at `target` is replaced: ask `refuse_others` first.
    """
    beside: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent
        )
        beside = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            os.fchmod(descriptor, MODE)
            stream.write(text)
        beside.replace(target)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise _unwritable(target, error) from None


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for owner and group. Raises StorageError."""
    try:
        for each in reversed([folder, *folder.parents]):
            each.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def keep(target: Path, content: bytes) -> None:
    """Write a file that is named by its content, in a folder made for such files. Raises StorageError."""
    try:
        target.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, MODE)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: OSError) -> StorageError:
    words = error.strerror or error
    return StorageError(f"{target} cannot be written: {words}. Name another place with -o FILE.")
