"""The few file operations that storing a picture needs, as a seam for faults and power loss."""

import errno
import fcntl
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

TEMP_PREFIX: Final = ".part-"
FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750

_NOT_OFFERED: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK})
_NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class TempFile:
    """An open file that nobody else reads yet. Its lock says that its writer lives."""

    path: Path
    descriptor: int


class NoLinkError(OSError):
    """A file cannot have a second name there."""


class FileStore(Protocol):
    """Every method may raise OSError."""

    def make_folder(self, folder: Path) -> None:
        """Create `folder` (its parent exists) and make its name durable; fine when it is there already."""
        ...

    def open_temp(self, folder: Path) -> TempFile:
        """A new, empty, locked file in `folder`."""
        ...

    def write(self, temp: TempFile, content: bytes) -> None:
        """Append all of `content`."""
        ...

    def begin_sync(self, temp: TempFile) -> None:
        """Let the disk begin with the content, and do not wait. Promises nothing; `fsync` is then quicker."""
        ...

    def fsync(self, temp: TempFile) -> None:
        """Make the content durable."""
        ...

    def close(self, temp: TempFile) -> None:
        """Close and unlock; the file stays."""
        ...

    def publish(self, temp: Path, final: Path) -> bool:
        """Give `temp` its final name if that name is free; False, and nothing changed, when it is not."""
        ...

    def link(self, source: Path, final: Path) -> bool:
        """Give `source` a second name if that name is free; False, and nothing changed, when it is not.

        Raises NoLinkError where the file system has no second names, or not there.
        """
        ...

    def replace(self, temp: Path, final: Path) -> None:
        """Give `temp` its final name, in place of what was there."""
        ...

    def fsync_dir(self, folder: Path) -> None:
        """Make the names in `folder` durable."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; fine when it is gone already."""
        ...

    def strays(self, folder: Path) -> Iterator[Path]:
        """Temporary files in `folder` whose writer is gone."""
        ...


def drop(files: FileStore, temp: TempFile) -> None:
    """Remove and close; after publishing there is only a descriptor left to close."""
    try:
        files.remove(temp.path)
    finally:
        files.close(temp)


class RealFiles:
    """The machine's own file system (POSIX)."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def make_folder(self, folder: Path) -> None:
        """Create `folder` (its parent exists) and make its name durable; fine when it is there already."""
        try:
            folder.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            return
        self.fsync_dir(folder.parent)

    def open_temp(self, folder: Path) -> TempFile:
        """A new, empty, locked file in `folder`. Its name needs no chance: a taken one is skipped."""
        while True:
            path = folder / f"{TEMP_PREFIX}{os.getpid()}-{next(self._numbers)}"
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            except FileExistsError:
                continue
            _lock(descriptor)
            if os.fstat(descriptor).st_nlink > 0:
                return TempFile(path, descriptor)
            os.close(descriptor)  # removed by somebody's cleaning, just before the lock

    def write(self, temp: TempFile, content: bytes) -> None:
        """Append all of `content`."""
        view = memoryview(content)
        while view:
            view = view[os.write(temp.descriptor, view) :]

    def begin_sync(self, temp: TempFile) -> None:
        """Let the disk begin with the content: on Linux, what is not needed in memory is written back at
        once.
        """
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(temp.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def fsync(self, temp: TempFile) -> None:
        """Make the content durable."""
        os.fsync(temp.descriptor)

    def close(self, temp: TempFile) -> None:
        """Close and unlock; the file stays."""
        os.close(temp.descriptor)

    def publish(self, temp: Path, final: Path) -> bool:
        """Give `temp` its final name if that name is free; False, and nothing changed, when it is not."""
        try:
            os.link(temp, final, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            # Without hard links there is no portable rename that refuses to replace: check first, then
            # rename.
            if os.path.lexists(final):
                return False
            temp.rename(final)
        else:
            temp.unlink()
        return True

    def link(self, source: Path, final: Path) -> bool:
        """Give `source` a second name if that name is free; False, and nothing changed, when it is not."""
        try:
            os.link(source, final, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno in _NO_HARD_LINKS or error.errno == errno.EXDEV:
                raise NoLinkError(error.errno, error.strerror) from None
            raise
        return True

    def replace(self, temp: Path, final: Path) -> None:
        """Give `temp` its final name, in place of what was there."""
        temp.replace(final)

    def fsync_dir(self, folder: Path) -> None:
        """Make the names in `folder` durable, where the file system knows how to."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file; fine when it is gone already."""
        path.unlink(missing_ok=True)

    def strays(self, folder: Path) -> Iterator[Path]:
        """Temporary files in `folder` whose writer is gone: nobody holds their lock."""
        for path in sorted(folder.glob(f"{TEMP_PREFIX}*")):
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            finally:
                os.close(descriptor)
            yield path


def _lock(descriptor: int) -> None:
    """Hold the file. Where locks are not offered the file stays unlocked, and `strays` leaves it alone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            os.close(descriptor)
            raise
