"""Further names for files of the output folder, and their sidecars. Replaces nothing unless told."""

import errno
import hashlib
import itertools
import os
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FileStore, NoLinkError, TempFile, drop
from orchestrator.artifacts.places import TEMP_FOLDER
from orchestrator.artifacts.sidecars import encoded, read_first, sidecar_of
from orchestrator.ports import MovingPicture

_PIECE: Final = 1 << 20


class ChangedMeanwhileError(OSError):
    """A file was changed while it was copied: somebody works on it."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EAGAIN, f"{path.name} was changed while it was moved", str(path))


class Renamer:
    """Second names below `root`, by links, or by copies where there are no links. Raises OSError."""

    def __init__(self, root: Path, files: FileStore) -> None:
        self._root = root
        self._files = files

    def second_name(self, place: PurePosixPath, name: PurePosixPath, sha256: str) -> PurePosixPath:
        """Give the picture at `place` the name too; returns it, or the first numbered one that is free."""
        for number in itertools.count(1):
            each = _numbered(name, number)
            final = self._root / each
            if self._link(self._root / place, final, sha256) or holds(final, sha256):
                return each
        raise AssertionError("numbers do not end")

    def numbered(self, name: PurePosixPath) -> list[PurePosixPath]:
        """The name, and its numbered forms as far as there are files of such names."""
        found = []
        for number in itertools.count(1):
            each = _numbered(name, number)
            if not os.path.lexists(self._root / each):
                break
            found.append(each)
        return found or [name]

    def free_name(self, name: PurePosixPath) -> PurePosixPath:
        """The name, or the first numbered one that no file has."""
        return next(
            each
            for number in itertools.count(1)
            if not os.path.lexists(self._root / (each := _numbered(name, number)))
        )

    def replace(self, place: PurePosixPath, name: PurePosixPath, sha256: str) -> None:
        """Give the picture at `place` the name instead, in place of what was there, in one step."""
        source, final = self._root / place, self._root / name
        try:
            self._files.replace(source, final)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            temp = self._copied(source, sha256)
            try:
                self._files.replace(temp.path, final)
            finally:
                drop(self._files, temp)

    def keep_beside(self, name: PurePosixPath) -> str:
        """Give a file that was changed by somebody a name of its own beside, durable; returns that."""
        source = self._root / name
        for number in itertools.count(1):
            each = name.with_name(f"{name.stem}~changed-{number}{name.suffix}")
            final = self._root / each
            if os.path.lexists(final):
                if source.samefile(final):
                    return str(each)
                continue
            if self._link(source, final, None):
                self._files.fsync_dir(final.parent)
                return str(each)
        raise AssertionError("numbers do not end")

    def take_sidecar(
        self,
        picture: MovingPicture,
        name: PurePosixPath,
        former: Iterable[PurePosixPath],
        ours: Collection[str] = (),
    ) -> None:
        """Write the sidecar of a picture under its new name, from where it is: it says its new path. One of
        another picture is replaced where its digest is among `ours`, since that picture has its own by now.
        """
        target = sidecar_of(self._root / name)
        found = next((said for each in former if (said := self._said(each, picture.sha256))), None)
        there = read_first(self._root, [name]) or {}
        if found is None:
            if there.get("sha256") in ours:
                self._files.remove(target)
            return
        if {**found, "path": str(name)} == there:
            return
        if os.path.lexists(target) and there.get("sha256") not in {*ours, picture.sha256}:
            self.keep_beside(name.with_name(target.name))
        temp = self._open_temp()
        try:
            self._files.write(temp, encoded({**found, "path": str(name)}))
            self._files.fsync(temp)
            self._files.replace(temp.path, target)
        finally:
            drop(self._files, temp)

    def drop_sidecar(self, picture: MovingPicture, former: PurePosixPath) -> None:
        """Remove the sidecar of a picture from where the picture is no more."""
        if self._said(former, picture.sha256) is not None:
            self._files.remove(sidecar_of(self._root / former))

    def _said(self, place: PurePosixPath, sha256: str) -> dict[str, Any] | None:
        said = read_first(self._root, [place])
        return said if said is not None and said.get("sha256") == sha256 else None

    def _link(self, source: Path, final: Path, sha256: str | None) -> bool:
        try:
            return self._files.link(source, final)
        except NoLinkError:
            if os.path.lexists(final):
                return False
            temp = self._copied(source, sha256)
            try:
                return self._files.publish(temp.path, final)
            finally:
                drop(self._files, temp)

    def _copied(self, source: Path, sha256: str | None) -> TempFile:
        """A durable copy without a name; its caller drops it."""
        temp = self._open_temp()
        try:
            self._fill(temp, source, sha256)
            self._files.fsync(temp)
        except BaseException:
            drop(self._files, temp)
            raise
        return temp

    def _fill(self, temp: TempFile, source: Path, sha256: str | None) -> None:
        digest = hashlib.sha256()
        with source.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                self._files.write(temp, piece)
        if sha256 not in {None, digest.hexdigest()}:
            raise ChangedMeanwhileError(source)

    def _open_temp(self) -> TempFile:
        folder = self._root / TEMP_FOLDER
        if not folder.is_dir():
            self._files.make_folder(folder)
        return self._files.open_temp(folder)


def _numbered(name: PurePosixPath, number: int) -> PurePosixPath:
    return name if number == 1 else name.with_name(f"{name.stem}~{number}{name.suffix}")
