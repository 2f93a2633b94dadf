"""What hand-overs wrote into a folder, so that nothing else in it is ever touched.

The record is written before the first file is, so that what an interrupted hand-over left is known to be
ours.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.core.errors import UsageError

OURS: Final = ".handover.json"
LIST: Final = "handover.csv"
SHOWN: Final = 10


@dataclass(slots=True)
class HandoverRecord:
    """For each file its latest entry, and every digest that it may have after an interrupted hand-over."""

    files: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, target: Path) -> "HandoverRecord":
        """Of a folder; raises UsageError for one that cannot be read."""
        try:
            said = json.loads((target / OURS).read_text(encoding="utf-8"))
            return cls(dict(said["files"]))
        except FileNotFoundError:
            return cls({})
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(
                f"{target / OURS} cannot be read as the record of an earlier hand-over. Name another folder, "
                "or remove it: its files then count as yours, and are left alone."
            ) from None

    def digests(self, file: str) -> set[str]:
        """What a file of ours may be."""
        entry = self.files.get(file, {})
        return {str(entry.get("sha256")), *map(str, entry.get("before", ()))}

    def unchanged(self, target: Path, file: str, source: str) -> dict[str, Any] | None:
        """What is recorded of the file, when it is there and was made from the same source by the same
        recipe.
        """
        entry = self.files.get(file)
        if entry is None or entry.get("source") != source or digest_of(target / file) != entry.get("sha256"):
            return None
        return {name: entry[name] for name in ("sha256", "size", "width", "height")}

    def refuse_others(self, target: Path, wanted: Sequence[str]) -> None:
        """Raise UsageError when files would be written over that are not ours."""
        names = [name for name in (LIST, *wanted) if os.path.lexists(target / name)]
        others = [
            name
            for name in names
            if (name == LIST and not self.files and not os.path.lexists(target / OURS))
            or (name != LIST and digest_of(target / name) not in self.digests(name))
        ]
        if others:
            more = f"\n... and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
            raise UsageError(
                f"{target} holds {len(others)} file(s) that this program did not write, or that were changed "
                "since:\n"
                + "\n".join(f"  {name}" for name in others[:SHOWN])
                + more
                + "\nNothing was written. Name another folder, or move them away."
            )

    def add(self, entries: Mapping[str, dict[str, Any]]) -> None:
        """Files that are about to be written."""
        for file, entry in entries.items():
            before = sorted(self.digests(file) - {"None", entry["sha256"]})
            self.files[file] = {**entry, "before": before}

    def write(self, target: Path) -> None:
        """Into the folder, whole."""
        text = json.dumps({"files": dict(sorted(self.files.items()))}, indent=1)
        write_whole(target / OURS, text.encode())


def was_handed_over(target: Path) -> bool:
    """Whether the folder is one that a hand-over has written."""
    return os.path.lexists(target / OURS)


def digest_of(path: Path) -> str | None:
    """Of a plain file; None where there is none, and for anything that is no plain file or cannot be read."""
    if not path.is_file() or path.is_symlink():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name[:100]}.part")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
