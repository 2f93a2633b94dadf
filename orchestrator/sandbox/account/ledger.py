"""The bill on disk: one JSON line per event, flushed, so that another process can read it at any moment."""

import json
from pathlib import Path
from typing import Any, TextIO

from orchestrator.core.errors import StorageError


class Ledger:
    """An append-only file of events; without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._file: TextIO | None = None
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("a", encoding="utf-8")
            except OSError as error:
                raise StorageError(f"the ledger {path} cannot be written: {error.strerror}") from error

    def write(self, event: str, **facts: Any) -> None:
        """Append one event; it is in the operating system's hands when this returns."""
        if self._file is not None:
            self._file.write(json.dumps({"event": event, **facts}, separators=(",", ":")) + "\n")
            self._file.flush()

    def close(self) -> None:
        """No more events."""
        if self._file is not None:
            self._file.close()
            self._file = None
