"""Is the file at a path still the one that was opened? Somebody may delete or replace it below a process.

SQLite goes on in the file that it has open, also when that has no name any more: what is written then is lost
with the process, and the next one, which finds no file or another one, buys everything again.
"""

import os
from pathlib import Path
from typing import Final

from orchestrator.core.errors import DatabaseReplacedError

Identity = tuple[int, int]
"""Device and inode: what stays the same when a file is renamed and back, and differs after `mv BACKUP FILE`,
a restore, or a file system that was mounted over it."""

_BESIDE: Final = ("-wal", "-shm")
"""Newest commits and locks of SQLite; without them two processes see two databases."""


class FileGuard:
    """Remembers the file of a SQLite database, and the files beside it, by what they are."""

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._opened = _identity(self._path)
        real = os.path.realpath(path)  # SQLite follows links when it opens, never again
        self._beside_paths: Final = tuple((suffix, real + suffix) for suffix in _BESIDE)
        self._beside: dict[str, Identity] = {}

    def forget_beside(self) -> None:
        """The files beside it may have been made anew: the last connection was closed, and there is another
        one.
        """
        self._beside.clear()

    def trouble(self) -> str | None:
        """None while everything is in place, else what happened, as the end of a sentence. Costs three calls
        of the system and hardly more: it is asked twice for every request that is paid for.
        """
        if (trouble := self._file_trouble()) is not None:
            return trouble
        for suffix, path in self._beside_paths:
            now = _identity(path)
            known = self._beside.get(suffix)
            if known is None and now is not None:
                self._beside[suffix] = now
            elif now != known:
                return f"lost its {suffix} file"
        return None

    def require(self) -> None:
        """Raise DatabaseReplacedError unless everything is in place."""
        self._raise(self.trouble())

    def require_same_file(self) -> None:
        """The same about the file itself, for who opens it once more."""
        self._raise(self._file_trouble())

    def _raise(self, trouble: str | None) -> None:
        if trouble is not None:
            raise DatabaseReplacedError(
                f"The database file {self._path} {trouble} while this command worked with it. Nothing more "
                "was bought from then on."
            )

    def _file_trouble(self) -> str | None:
        found = _identity(self._path)
        if found == self._opened:
            return None
        return "was deleted" if found is None else "was replaced by another file"


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path would cost more than the call of the system
    except OSError:
        return None
    return found.st_dev, found.st_ino
