"""What is in the output folder already."""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from orchestrator.artifacts.places import missing_folders
from orchestrator.artifacts.verify import BadPictureError, decode
from orchestrator.ports import StoredArtifact


def holds(path: Path, sha256: str) -> bool:
    """Whether `path` is a plain file with that digest; a link is not one, wherever it leads."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def existing_artifact(root: Path, places: Sequence[PurePosixPath], sha256: str) -> StoredArtifact | None:
    """The artifact with that digest under one of `places`; None when there is none. Changes nothing."""
    for place in places:
        path = root / place
        if missing_folders(root, place) or not holds(path, sha256):
            continue
        try:
            with path.open("rb") as file:
                picture = decode(file)
        except BadPictureError:
            continue
        return StoredArtifact(
            path=str(place),
            sha256=sha256,
            bytes=path.stat().st_size,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
        )
    return None
