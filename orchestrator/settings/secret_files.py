"""Files that hold a secret: who may read them, before we do.

As strict as where the file lies allows: a file of ours is for its owner alone. What root owns may be read by
a group, because that is how a container's orchestrator mounts secrets for one that is not root. Below the
folders that exist to hold mounted secrets any reader is fine; a writer other than the owner never is, unless
the whole mount is read-only.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orchestrator.core.errors import UsageError

BYTES_MAX: Final = 4096
SECRET_FOLDERS: Final = (Path("/run/secrets"), Path("/var/run/secrets"))
CREDENTIALS_DIRECTORY: Final = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder of a service's credentials."""

_GROUP_READS: Final = stat.S_IRGRP
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def read_secret(path: Path, kind: str, env: Mapping[str, str]) -> str:
    """The text of the file without the space around it; UsageError when it cannot be read, or may be read by
    others.
    """
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            read_only = bool(os.fstatvfs(stream.fileno()).f_flag & os.ST_RDONLY)
            raw = stream.read(BYTES_MAX)
    except OSError as error:
        raise UsageError(f"the {kind} file {path} cannot be read: {error.strerror or error}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"the {kind} file {path} is no plain file")
    if not _is_private(status, mounted=_is_mounted(path, env), read_only=read_only):
        raise UsageError(f"the {kind} file {path} may be read by others; run: chmod 600 {path}")
    return raw.decode("utf-8", "replace").strip()


def _is_private(status: os.stat_result, *, mounted: bool, read_only: bool) -> bool:
    others = status.st_mode & _OTHERS
    if mounted:
        return read_only or not others & _OTHERS_WRITE
    return not others or (status.st_uid == 0 and others == _GROUP_READS)


def _is_mounted(path: Path, env: Mapping[str, str]) -> bool:
    """Whether it lies below a folder of mounted secrets, by name or after links, as Kubernetes makes them."""
    named = env.get(CREDENTIALS_DIRECTORY)
    folders = (*SECRET_FOLDERS, *((Path(named),) if named and Path(named).is_absolute() else ()))
    places = (path.absolute(), path.resolve())
    return any(place.is_relative_to(folder) for place in places for folder in folders)
