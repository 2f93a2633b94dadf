"""A stored picture under another name: a copy of its bytes, no link, so that each can be retouched alone."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FileStore, TempFile, drop
from orchestrator.artifacts.places import missing_folders, with_real_extension
from orchestrator.artifacts.sidecars import encoded, read_first, sidecar_of
from orchestrator.core.paths import QUARANTINE
from orchestrator.ports import CopyRequest, FetchFailed, FetchFault, FetchOutcome, StoredArtifact

_PIECE: Final = 1 << 20


class Copier:
    """Makes copies below `root`. Blocking; runs in threads."""

    def __init__(
        self, root: Path, files: FileStore, open_temp: Callable[[], TempFile], *, sidecar: bool
    ) -> None:
        self._root = root
        self._files = files
        self._open_temp = open_temp
        self._sidecar = sidecar

    def copy(self, request: CopyRequest, place: PurePosixPath) -> FetchOutcome:
        """The copy, complete and durable; raises UnsafePlaceError and OSError of our own disk."""
        of = request.of
        if PurePosixPath(of.path).parts[0] == str(QUARANTINE):
            place = QUARANTINE / place
        place = with_real_extension(place, of.media_type)
        made = replace(of, path=str(place))
        final = self._root / place
        missing = missing_folders(self._root, place)
        if not missing and holds(final, of.sha256):
            self._write_sidecar(of, made)
            return made
        temp = self._open_temp()
        try:
            if not self._fill(temp, self._root / of.path, of.sha256):
                return FetchFailed(
                    FetchFault.GONE,
                    f"{of.path}, which {place} is to be a copy of, is not there as it was stored",
                )
            self._files.fsync(temp)
            for folder in missing:
                self._files.make_folder(folder)
            if not self._files.publish(temp.path, final) and not holds(final, of.sha256):
                return FetchFailed(
                    FetchFault.COLLISION, f"{place} exists and holds something else; it was left alone"
                )
        finally:
            drop(self._files, temp)
        self._write_sidecar(of, made)
        self._files.fsync_dir(final.parent)
        return made

    def _fill(self, temp: TempFile, source: Path, sha256: str) -> bool:
        """Whether the source is a plain file with that digest; what was read is in the temporary file."""
        digest = hashlib.sha256()
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        with os.fdopen(descriptor, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                self._files.write(temp, piece)
        return digest.hexdigest() == sha256

    def _write_sidecar(self, of: StoredArtifact, made: StoredArtifact) -> None:
        """What is recorded with the picture, and that this is a copy of it."""
        target = sidecar_of(self._root / made.path)
        if not self._sidecar or target.exists():
            return
        known = read_first(self._root, [PurePosixPath(of.path)]) or {}
        temp = self._open_temp()
        try:
            self._files.write(temp, encoded({**known, **asdict(made), "copy_of": of.path}))
            self._files.fsync(temp)
            self._files.replace(temp.path, target)
        finally:
            drop(self._files, temp)
