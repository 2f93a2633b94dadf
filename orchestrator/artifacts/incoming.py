"""A picture on its way: in memory while it is small, in a temporary file as soon as it is not."""

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO, Final

from orchestrator.artifacts.files import FileStore, TempFile, drop
from orchestrator.ports import Crashpoint

WRITE_BYTES: Final = 256 * 1024
"""How much is gathered before it is written. A picture that is smaller costs the event loop no file operation
and no hashing."""


class Incoming:
    """Bytes as they arrive, hashed as they are written. Whoever holds it ends it with `drop`, also after
    publishing.
    """

    def __init__(self, files: FileStore, open_temp: Callable[[], TempFile], crashpoint: Crashpoint) -> None:
        self._files = files
        self._open_temp = open_temp
        self._crashpoint = crashpoint
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._temp: TempFile | None = None
        self.length = 0

    @property
    def sha256(self) -> str:
        """The digest of what has arrived, as hexadecimal digits."""
        digest = self._digest.copy()
        digest.update(self._buffer)
        return digest.hexdigest()

    def add(self, piece: bytes) -> None:
        """More bytes; raises OSError of our own disk."""
        self.length += len(piece)
        self._buffer += piece
        if len(self._buffer) >= WRITE_BYTES:
            self._spill()

    def open(self) -> BinaryIO:
        """All that has arrived, to be read from its beginning; raises OSError of our own disk."""
        return io.BytesIO(self._buffer) if self._temp is None else self.whole().path.open("rb")

    def whole(self) -> TempFile:
        """All that has arrived, as a file; raises OSError of our own disk."""
        if self._buffer or self._temp is None:
            self._spill()
        assert self._temp is not None
        return self._temp

    def drop(self) -> None:
        """Close and remove the temporary file; after publishing there is only a descriptor to close."""
        temp, self._temp = self._temp, None
        if temp is not None:
            drop(self._files, temp)

    def _spill(self) -> None:
        """Write what is gathered; the first time in two halves, with the crash point between them."""
        content = bytes(self._buffer)
        self._buffer.clear()
        self._digest.update(content)
        if self._temp is not None:
            self._files.write(self._temp, content)
            return
        self._temp = self._open_temp()
        self._crashpoint("artifact.temp_created")
        middle = len(content) // 2
        self._files.write(self._temp, content[:middle])
        self._crashpoint("artifact.half_written")
        self._files.write(self._temp, content[middle:])
