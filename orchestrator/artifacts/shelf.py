"""What lies in a folder of outputs, as sidecars tell it. Keeps no connection."""

import hashlib
import json
import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from orchestrator.artifacts.noting import note
from orchestrator.artifacts.places import OWN_FOLDER, TEMP_FOLDER
from orchestrator.artifacts.sidecars import BYTES_MAX
from orchestrator.core.paths import EXTENSIONS, QUARANTINE, SUPERSEDED, fold
from orchestrator.ports import KeptPicture, PictureState

_PICTURES: Final = frozenset(extension for fitting in EXTENSIONS.values() for extension in fitting)
_SIDECAR: Final = ".json"
_NAMES_MAX: Final = 200_000
"""How many names of listed folders are remembered together: some tens of megabytes."""

_ASIDE: Final = re.compile(r"~changed-\d+\.")
"""In the name of a file that was set aside: its sidecar is beside the original."""

_Folder = dict[str, list[str]]


class FolderShelf:
    """Implements `orchestrator.ports.Shelf` on a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: OrderedDict[PurePosixPath, _Folder] = OrderedDict()
        self._names = 0

    def near(self, planned: str) -> list[KeptPicture]:
        """Pictures with a sidecar under the planned name, whatever their type, a suffix, another choice or
        the quarantine has made of it. A folder is listed once, so a name that nobody has costs a look into
        memory.
        """
        place = PurePosixPath(planned)
        stem = fold(place.stem)
        found = []
        for folder in (place.parent, place.parent / SUPERSEDED, QUARANTINE / place.parent):
            found += [self._kept(folder / name) for name in self._folder(folder).get(stem, ())]
        return found

    def everything(self) -> Iterator[KeptPicture]:
        """Every picture that has a sidecar, and every picture without one, folder by folder."""
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(each for each in folders if each not in {TEMP_FOLDER, OWN_FOLDER})
            inside = PurePosixPath(Path(folder).relative_to(self._root))
            known = set(names)
            for name in sorted(names):
                if _is_sidecar(name):
                    yield self._kept(inside / name.removesuffix(_SIDECAR))
                elif _is_picture(name) and name + _SIDECAR not in known and not _ASIDE.search(name):
                    yield KeptPicture(str(inside / name), None, "it has no sidecar")

    def read(self, path: str) -> KeptPicture:
        """One picture, by its path."""
        return self._kept(PurePosixPath(path))

    def state(self, path: str, *, sha256: str, size: int | None, quick: bool = False) -> PictureState:
        """Whether a picture is as it was recorded: its size first, then, unless `quick`, its bytes."""
        place = self._root / path
        try:
            found = place.lstat()
            if place.is_symlink() or not place.is_file():
                return PictureState.CHANGED
            if size is not None and found.st_size != size:
                return PictureState.CHANGED
            if quick:
                return PictureState.SAME
            with place.open("rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except (FileNotFoundError, NotADirectoryError):
            return PictureState.MISSING
        except OSError:
            return PictureState.UNREADABLE
        return PictureState.SAME if same else PictureState.CHANGED

    def has_sidecar(self, path: str) -> bool:
        """Whether a picture has a sidecar."""
        return (self._root / (path + _SIDECAR)).is_file()

    def note(self, path: str, *, sha256: str, entries: Mapping[str, Any]) -> bool:
        """Give the sidecar of that picture further entries; whether it has them now."""
        return note(self._root, path, sha256=sha256, entries=entries)

    def set_aside(self, path: str) -> str:
        """Give a file another name beside its own, replacing nothing; returns that name. Raises OSError."""
        place = PurePosixPath(path)
        number = 1
        while True:
            aside = place.with_name(f"{place.stem}~changed-{number}{place.suffix}")
            try:
                os.link(self._root / place, self._root / aside, follow_symlinks=False)
            except FileExistsError:
                number += 1
                continue
            (self._root / place).unlink()
            return str(aside)

    def put_back(self, aside: str, path: str) -> None:
        """Give a file that was set aside its name again, unless that is taken. Raises OSError."""
        os.link(self._root / aside, self._root / path, follow_symlinks=False)
        (self._root / aside).unlink()

    def _folder(self, folder: PurePosixPath) -> _Folder:
        """The pictures of a folder that have a sidecar, by stem, and by the stem before a suffix of ours."""
        if folder in self._listed:
            self._listed.move_to_end(folder)
            return self._listed[folder]
        found: _Folder = {}
        try:
            with os.scandir(self._root / folder) as entries:
                names = [entry.name for entry in entries if _is_sidecar(entry.name)]
        except OSError:
            names = []
        for name in names:
            picture = PurePosixPath(name.removesuffix(_SIDECAR))
            for stem in {picture.stem, picture.stem.rpartition("~")[0] or picture.stem}:
                found.setdefault(fold(stem), []).append(picture.name)
        self._listed[folder] = found
        self._names += 1 + len(names)
        while self._names > _NAMES_MAX and len(self._listed) > 1:
            _, dropped = self._listed.popitem(last=False)
            self._names -= 1 + len({name for stem in dropped.values() for name in stem})
        return found

    def _kept(self, picture: PurePosixPath) -> KeptPicture:
        path = self._root / (str(picture) + _SIDECAR)
        try:
            if path.stat().st_size > BYTES_MAX:
                return KeptPicture(str(picture), None, "its sidecar is too large to be ours")
            said: Any = json.loads(path.read_bytes())
        except OSError as error:
            return KeptPicture(str(picture), None, f"its sidecar cannot be read: {error.strerror or error}")
        except ValueError:
            return KeptPicture(str(picture), None, "its sidecar is broken: it is no JSON")
        if not isinstance(said, dict):
            return KeptPicture(str(picture), None, "its sidecar is broken: it is no JSON object")
        return KeptPicture(str(picture), said)


def _is_sidecar(name: str) -> bool:
    return name.endswith(_SIDECAR) and _is_picture(name.removesuffix(_SIDECAR))


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _PICTURES
