"""Moving pictures inside the output folder: `FolderMover` implements `orchestrator.ports.Mover`.

| Step | What lies where, should the power go out after it |
|---|---|
| each leaving picture gets its superseded name as a second one, and its sidecar there | under both names |
| a file under the clean name that is none of the cell's pictures gets a name beside it | under both names |
| the coming one replaces the clean name in one step | each under its new name |
| the sidecar of the coming one follows; what is left of the old names goes | |

The clean name is never missing and never half, and a picture is known by its digest wherever it lies, so
every step may be repeated.
"""

import asyncio
import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.artifacts.disk_errors import disk_failure
from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FILE_MODE, FOLDER_MODE, FileStore, RealFiles
from orchestrator.artifacts.finding import names_of, place_of, stray_places
from orchestrator.artifacts.places import (
    OWN_FOLDER,
    UnsafePlaceError,
    missing_folders,
    relative_place,
)
from orchestrator.artifacts.renaming import Renamer
from orchestrator.core.paths import is_superseded, places_of_download
from orchestrator.ports import CellMove, CellMoved, Crashpoint, MovingPicture, no_crash

LOCK: Final = "moves.lock"


class FolderMover:
    """Implements `orchestrator.ports.Mover` on a folder."""

    def __init__(
        self, root: Path, *, files: FileStore | None = None, crashpoint: Crashpoint = no_crash
    ) -> None:
        self._root = root
        self._files = files or RealFiles()
        self._crashpoint = crashpoint

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold a lock in the folder, which ends with this process. Where locks are not offered nobody is kept
        out: a second mover then finds the files by their digests too.
        """
        try:
            (self._root / OWN_FOLDER).mkdir(exist_ok=True, mode=FOLDER_MODE)
            descriptor = os.open(
                self._root / OWN_FOLDER / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE
            )
        except OSError:  # there is no output folder yet, or nothing can be written: `move` tells
            yield True
            return
        try:
            yield _locked(descriptor)
        finally:
            os.close(descriptor)

    async def move(self, wanted: CellMove) -> CellMoved:
        """Give the pictures their names, in a thread."""
        return await asyncio.shield(asyncio.to_thread(self._move, wanted))

    def _move(self, wanted: CellMove) -> CellMoved:
        work = _CellWork(self._root, self._files, self._crashpoint, wanted=wanted)
        try:
            work.carry_out()
        except UnsafePlaceError as error:
            return CellMoved(aside=tuple(work.aside), trouble=str(error))
        except OSError as error:
            return CellMoved(aside=tuple(work.aside), trouble=disk_failure(error, self._root).message)
        return CellMoved(places=work.places, aside=tuple(work.aside))


@dataclass(slots=True)
class _Found:
    """A picture of the cell, and where its bytes are."""

    picture: MovingPicture
    target: PurePosixPath
    place: PurePosixPath | None  # None: not in this folder


@dataclass
class _CellWork:
    """The move of one cell."""

    root: Path
    files: FileStore
    crashpoint: Crashpoint
    wanted: CellMove = field(kw_only=True)
    places: dict[tuple[int, int], str] = field(default_factory=dict, init=False)
    aside: list[tuple[str, str]] = field(default_factory=list, init=False)

    def carry_out(self) -> None:
        """Every step; raises OSError and UnsafePlaceError, and then nothing counts as moved."""
        self.renamer = Renamer(self.root, self.files)
        coming = self._found(self.wanted.coming, at_target_first=False)
        clean = coming.target
        there = clean if coming.place == clean else None  # the clean name is the coming one's already
        strayed = [
            each
            for each in self.wanted.staying  # as recorded, unless another decision was broken off
            if not holds(self.root / relative_place(each.path), each.sha256)
        ]
        leaving = [self._found(each, not_at=there) for each in (*self.wanted.leaving, *strayed)]
        if coming.place is None:  # a name is given up for a picture that takes it, never for none
            for each in leaving:
                if each.place == clean and each.picture.path != str(clean):
                    self.places[each.picture.key] = str(clean)
            leaving = [each for each in leaving if each.place not in {None, clean}]
        for each in leaving:
            self._secure(each)
        self.crashpoint("move.secured")
        if coming.place is not None:
            self._come(coming, coming.place, leaving)
        self.crashpoint("move.replaced")
        self._tell(coming, leaving, clean=clean)

    def _tell(self, coming: _Found, leaving: list[_Found], *, clean: PurePosixPath) -> None:
        """Say where each lies now, and remove what is left under other names."""
        for each in leaving:
            if each.place is not None:
                self._forget_old_names(each, keep=coming.target)
                self.places[each.picture.key] = str(each.target)
            elif place_of(each.picture, each.picture.path) == coming.target:
                # Its file was changed, and is kept aside: it may be fetched again to where it would be.
                self.places[each.picture.key] = str(self.renamer.free_name(each.target))
        if coming.place is not None:
            self._forget_old_names(coming, keep=coming.target)
            self.places[coming.picture.key] = str(coming.target)
        elif coming.picture.path == str(clean):
            self.places[coming.picture.key] = str(clean)  # it was changed where it is to be, and stays

    def _found(
        self, picture: MovingPicture, *, at_target_first: bool = True, not_at: PurePosixPath | None = None
    ) -> _Found:
        """Where the bytes of a picture are: a broken off move may have left them under another name."""
        target = place_of(picture, picture.to)
        own = self.renamer.numbered(target) if at_target_first else [target]
        names = names_of(picture)
        likely = [*own, *names] if at_target_first else [*names, *own]
        for place in itertools.chain(likely, stray_places(self.root, picture)):
            if place != not_at and holds(self.root / place, picture.sha256):
                return _Found(picture, target, place)
        return _Found(picture, target, None)

    def _secure(self, each: _Found) -> None:
        """Give a leaving picture its superseded name as a further one."""
        if each.place is None:
            return
        if each.place != each.target:
            self._make_folders(each.target)
            each.target = self.renamer.second_name(each.place, each.target, each.picture.sha256)
        self.renamer.take_sidecar(each.picture, each.target, [each.target, *self._names(each)])
        self.files.fsync_dir((self.root / each.target).parent)

    def _come(self, coming: _Found, place: PurePosixPath, leaving: list[_Found]) -> None:
        """Let the coming picture have the clean name."""
        target = coming.target
        self._make_folders(target)
        if place != target and not self._make_room(coming, leaving):
            coming.target = self._beside(coming, place)
        if place != coming.target:
            self.renamer.replace(place, coming.target, coming.picture.sha256)
        self.crashpoint("move.named")
        ours = {each.sha256 for each in self.wanted.others}
        self.renamer.take_sidecar(coming.picture, coming.target, self._names(coming), ours=ours)
        self.files.fsync_dir((self.root / coming.target).parent)

    def _make_room(self, coming: _Found, leaving: list[_Found]) -> bool:
        """Whether the clean name may be replaced: nothing is lost by it. A file that was changed where a
        picture was recorded is kept beside; one that nobody recorded there is not ours, and stays.
        """
        final = self.root / coming.target
        if not os.path.lexists(final):
            return True
        secured = {each.picture.sha256 for each in leaving if each.place is not None}
        if any(holds(final, sha256) for sha256 in (*secured, coming.picture.sha256)):
            return True
        pictures = [coming.picture, *self.wanted.leaving]
        if all(place_of(each, each.path) != coming.target for each in pictures):
            return False
        self.aside.append((str(coming.target), self.renamer.keep_beside(coming.target)))
        return True

    def _beside(self, coming: _Found, place: PurePosixPath) -> PurePosixPath:
        """Where the picture stays whose clean name is a file of somebody else's."""
        if not is_superseded(str(place)):
            return place
        job_id = coming.picture.key[0]
        for name in places_of_download(str(coming.target), job_id=job_id)[1:]:
            beside = PurePosixPath(name)
            if not os.path.lexists(self.root / beside) or holds(self.root / beside, coming.picture.sha256):
                return beside
        return place

    def _forget_old_names(self, each: _Found, keep: PurePosixPath | None) -> None:
        """Remove what is left under former names, now that the new ones are durable."""
        for place in self._names(each):
            if place in {each.target, keep} or self._is_same_file(place, keep):
                continue
            if holds(self.root / place, each.picture.sha256):
                self.files.remove(self.root / place)
            self.renamer.drop_sidecar(each.picture, place)
            if (self.root / place).parent.is_dir():
                self.files.fsync_dir((self.root / place).parent)

    def _is_same_file(self, place: PurePosixPath, keep: PurePosixPath | None) -> bool:
        """Whether two spellings are one file, where capitals do not count."""
        try:
            return (
                keep is not None
                and str(place).casefold() == str(keep).casefold()
                and (self.root / place).samefile(self.root / keep)
            )
        except OSError:
            return False

    def _names(self, each: _Found) -> list[PurePosixPath]:
        """Every name that it may have had, with where it was found."""
        found = [] if each.place is None else [each.place]
        own = [*names_of(each.picture), place_of(each.picture, each.picture.to)]
        numbered = [
            name for place in own if is_superseded(str(place)) for name in self.renamer.numbered(place)
        ]
        return list(dict.fromkeys([*own, *numbered, *found]))

    def _make_folders(self, place: PurePosixPath) -> None:
        for folder in missing_folders(self.root, place):
            self.files.make_folder(folder)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
