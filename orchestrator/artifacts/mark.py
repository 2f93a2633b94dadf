"""The mark beside the outputs: how far a database had come, where a restored backup does not reach."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator.artifacts.places import OWN_FOLDER

FOLDER: Final = OWN_FOLDER
FILE_MODE: Final = 0o640
_BYTES_MAX: Final = 10_000


class MarkFile:
    """`.orchestrator/DATABASE_ID.json` in the output root; implements `orchestrator.ports.DatabaseMark`.

    It is not synced: power that fails may take the newest marks with it, and then an older one is there,
    which stops nobody.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def highest(self, database_id: str) -> int | None:
        """The highest attempt that was recorded for this database; None without a readable mark."""
        path = self._path(database_id)
        try:
            if path.stat().st_size > _BYTES_MAX:
                return None
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        attempt = found.get("attempt") if isinstance(found, dict) else None
        return attempt if isinstance(attempt, int) and not isinstance(attempt, bool) else None

    def write(self, database_id: str, attempt_id: int) -> None:
        """Record the highest attempt, in place of what was recorded. Where nothing can be written, nothing
        is: pictures cannot be stored there either, and that has a voice of its own.
        """
        path = self._path(database_id)
        text = json.dumps({"database": database_id, "attempt": attempt_id}) + "\n"
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            temporary = path.with_name(f"{path.name}.{os.getpid()}")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.replace(path)

    def _path(self, database_id: str) -> Path:
        name = "".join(sign for sign in database_id if sign.isalnum() or sign in "-_")
        return self._folder / f"{name}.json"
