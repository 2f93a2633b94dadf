"""Further entries of a sidecar that is there already, written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.artifacts.files import FileStore, RealFiles, drop
from orchestrator.artifacts.moving import FolderMover
from orchestrator.artifacts.places import (
    TEMP_FOLDER,
    UnsafePlaceError,
    missing_folders,
    relative_place,
)
from orchestrator.artifacts.sidecars import encoded, read_first, sidecar_of


def note(
    root: Path, path: str, *, sha256: str, entries: Mapping[str, Any], files: FileStore | None = None
) -> bool:
    """Give the sidecar of the picture at `path` these entries, None taking one away; whether it has them now.

    Nothing is written where there is no sidecar of just that picture, and while another process moves
    pictures: a sidecar that moves meanwhile would replace the one of the picture that took its place.
    """
    try:
        place = relative_place(path)
        if missing_folders(root, place):
            return False
        with FolderMover(root).alone() as mine:
            said = read_first(root, [place])
            if not mine or said is None or said.get("sha256") != sha256:
                return False
            wanted = {name: value for name, value in {**said, **entries}.items() if value is not None}
            kept = {name: value for name, value in said.items() if value is None and name not in entries}
            if {**wanted, **kept} != said:
                _write(root, sidecar_of(root / place), {**wanted, **kept}, files=files or RealFiles())
    except (OSError, UnsafePlaceError):
        return False
    return True


def _write(root: Path, target: Path, said: Mapping[str, Any], *, files: FileStore) -> None:
    folder = root / TEMP_FOLDER
    files.make_folder(folder)
    temp = files.open_temp(folder)
    try:
        files.write(temp, encoded(said))
        files.fsync(temp)
        files.replace(temp.path, target)
    finally:
        drop(files, temp)
    files.fsync_dir(target.parent)
