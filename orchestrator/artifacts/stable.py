"""Names that switch: `FolderNames` implements `orchestrator.ports.StableNames` on a folder.

| Step | What lies under the name, should the power go out after it |
|---|---|
| the picture is copied to a temporary file, and its digest compared | what lay there before |
| the copy replaces the name in one step | the new picture, whole |
| a former place of the name, with another extension, goes | the new picture |

It is a copy, no link, so that the archive stays as it was paid for whatever is done to the stable file.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.artifacts.disk_errors import disk_failure
from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FOLDER_MODE, FileStore, RealFiles, TempFile, drop
from orchestrator.artifacts.places import (
    TEMP_FOLDER,
    UnsafePlaceError,
    missing_folders,
    relative_place,
    with_real_extension,
)
from orchestrator.ports import Crashpoint, StableDone, StableSwitch, no_crash

_PIECE: Final = 1 << 20


class FolderNames:
    """Implements `orchestrator.ports.StableNames` on a folder."""

    def __init__(
        self, root: Path, *, files: FileStore | None = None, crashpoint: Crashpoint = no_crash
    ) -> None:
        self._root = root
        self._files = files or RealFiles()
        self._crashpoint = crashpoint

    async def switch(self, wanted: StableSwitch) -> StableDone:
        """Let the name hold the picture, in a thread."""
        return await asyncio.shield(asyncio.to_thread(self._guarded, wanted, None))

    async def write_index(self, path: str, lines: Iterable[str]) -> StableDone:
        """Replace a list, in a thread."""
        return await asyncio.shield(asyncio.to_thread(self._guarded, StableSwitch(path), lines))

    def _guarded(self, wanted: StableSwitch, lines: Iterable[str] | None) -> StableDone:
        try:
            return self._switch(wanted) if lines is None else self._index(wanted.path, lines)
        except UnsafePlaceError as error:
            return StableDone(wanted.place, trouble=str(error))
        except OSError as error:
            return StableDone(wanted.place, trouble=disk_failure(error, self._root).message)

    def _switch(self, wanted: StableSwitch) -> StableDone:
        former = None if wanted.place is None else relative_place(wanted.place)
        if wanted.of is None or wanted.sha256 is None:
            if former is not None and wanted.had and holds(self._root / former, wanted.had):
                self._remove(former)
            return StableDone()
        target = with_real_extension(relative_place(wanted.path), wanted.media_type)
        final = self._root / target
        if not holds(final, wanted.sha256):
            if os.path.lexists(final) and not (wanted.had and holds(final, wanted.had)):
                return StableDone(
                    wanted.place, trouble=f"{target} is a file that was not put there by `latest`; it stays"
                )
            if not self._copy(self._root / relative_place(wanted.of), target, wanted.sha256):
                return StableDone(wanted.place, trouble=f"{wanted.of} is not there as it was stored")
        self._crashpoint("stable.named")
        if former is not None and former != target and wanted.had and holds(self._root / former, wanted.had):
            self._remove(former)
        return StableDone(str(target))

    def _copy(self, source: Path, target: PurePosixPath, sha256: str) -> bool:
        """Whether the source is a plain file with that digest, and has the name now."""
        digest = hashlib.sha256()
        temp = self._open_temp()
        try:
            try:
                descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                return False
            with os.fdopen(descriptor, "rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    self._files.write(temp, piece)
            if digest.hexdigest() != sha256:
                return False
            self._crashpoint("stable.copied")
            self._give(temp, target)
        finally:
            drop(self._files, temp)
        return True

    def _index(self, path: str, lines: Iterable[str]) -> StableDone:
        target = relative_place(path)
        temp = self._open_temp()
        try:
            for line in lines:
                self._files.write(temp, line.encode())
            self._give(temp, target)
        finally:
            drop(self._files, temp)
        return StableDone(str(target))

    def _give(self, temp: TempFile, target: PurePosixPath) -> None:
        """Make what is written durable, then replace the name by it."""
        self._files.fsync(temp)
        for folder in missing_folders(self._root, target):
            self._files.make_folder(folder)
        self._files.replace(temp.path, self._root / target)
        self._files.fsync_dir((self._root / target).parent)

    def _remove(self, place: PurePosixPath) -> None:
        self._files.remove(self._root / place)
        self._files.fsync_dir((self._root / place).parent)

    def _open_temp(self) -> TempFile:
        folder = self._root / TEMP_FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        return self._files.open_temp(folder)
