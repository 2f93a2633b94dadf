"""What our own disk's errors mean: everything stops, this output stops, or it passes."""

import errno
from pathlib import Path
from typing import Final

from orchestrator.ports import FetchFailed, FetchFault

_BAD_NAME: Final = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})
_PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOENT, errno.EINTR, errno.EAGAIN})


def disk_failure(error: OSError, root: Path) -> FetchFailed:
    """A full, read-only or broken disk stops everything; a name that cannot be stops only this output."""
    words = error.strerror or str(error)
    if error.errno in _BAD_NAME:
        return FetchFailed(FetchFault.COLLISION, f"{error.filename} cannot be a file: {words}")
    if error.errno in _PASSING:
        return FetchFailed(FetchFault.TRANSIENT, f"the output folder {root} was disturbed: {words}")
    return FetchFailed(
        FetchFault.STORAGE, f"the output folder {root} cannot be written: {words}; nothing stored was lost"
    )
