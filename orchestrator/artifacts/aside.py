"""Keeping aside what was paid for and cannot be proven to be a whole picture: nothing takes it for one."""

from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FileStore
from orchestrator.artifacts.incoming import Incoming
from orchestrator.artifacts.places import missing_folders
from orchestrator.artifacts.verify import is_worth_keeping
from orchestrator.core.paths import names_of_unproven
from orchestrator.ports import ArtifactRequest

_HEAD_BYTES: Final = 1_024


def set_aside(
    root: Path, files: FileStore, request: ArtifactRequest, place: PurePosixPath, incoming: Incoming
) -> str | None:
    """Keep what has arrived next to `place`, durable, and return where; None when it is not worth it.

    What an earlier try of the same download kept is replaced, what another attempt kept is not. Raises
    UnsafePlaceError and OSError.
    """
    with incoming.open() as file:
        if not is_worth_keeping(file.read(_HEAD_BYTES)):
            return request.unproven
    temp = incoming.whole()
    files.fsync(temp)
    for folder in missing_folders(root, place):
        files.make_folder(folder)
    names = names_of_unproven(str(place), attempt_id=request.attempt_id)
    for name in names:
        final = root / name
        if name == request.unproven or name == names[-1]:
            files.replace(temp.path, final)
        elif not files.publish(temp.path, final) and not holds(final, incoming.sha256):
            continue
        files.fsync_dir(final.parent)
        return name
    return None
