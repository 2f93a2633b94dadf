"""Output hosts that answer as told, pictures to serve, and file stores that break on demand."""

import errno
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from orchestrator.artifacts import RealFiles, TempFile

URL = "https://cdn.example.com/out/1.png"


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), color: str = "red") -> bytes:
    """A real picture's bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


class Pieces(httpx.AsyncByteStream):
    """A body in pieces, which may end in an error."""

    def __init__(self, content: bytes, error: Exception | None = None, size: int = 700) -> None:
        self._content, self._error, self._size = content, error, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self._size):
            yield self._content[start : start + self._size]
        if self._error is not None:
            raise self._error


@dataclass
class Host(httpx.AsyncBaseTransport):
    """An output host: a function of the request, and what was asked of it."""

    respond: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.respond(request)


def serving(content: bytes, status: int = 200, *, error: Exception | None = None, **headers: str) -> Host:
    """A host that always gives the same answer. Header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Host(lambda _request: httpx.Response(status, headers=named, stream=Pieces(content, error)))


class FailingFiles(RealFiles):
    """Raises an OSError at the n-th call of one operation."""

    def __init__(self, operation: str, number: int = 1, code: int = errno.ENOSPC) -> None:
        super().__init__()
        self._left = {operation: number}
        self._code = code

    def _count(self, operation: str) -> None:
        if operation in self._left:
            self._left[operation] -= 1
            if self._left[operation] == 0:
                raise OSError(self._code, os.strerror(self._code))

    def make_folder(self, folder: Path) -> None:
        self._count("make_folder")
        super().make_folder(folder)

    def open_temp(self, folder: Path) -> TempFile:
        self._count("open_temp")
        return super().open_temp(folder)

    def write(self, temp: TempFile, content: bytes) -> None:
        self._count("write")
        super().write(temp, content)

    def fsync(self, temp: TempFile) -> None:
        self._count("fsync")
        super().fsync(temp)

    def publish(self, temp: Path, final: Path) -> bool:
        self._count("publish")
        return super().publish(temp, final)

    def replace(self, temp: Path, final: Path) -> None:
        self._count("replace")
        super().replace(temp, final)

    def fsync_dir(self, folder: Path) -> None:
        self._count("fsync_dir")
        super().fsync_dir(folder)


class DyingFiles(RealFiles):
    """Files of a process that can be killed: afterwards nothing more changes on disk, and its locks are
    gone."""

    def __init__(self) -> None:
        super().__init__()
        self.dead = False
        self.log: list[Any] = []

    def remove(self, path: Path) -> None:
        if not self.dead:
            super().remove(path)

    def fsync(self, temp: TempFile) -> None:
        self.log.append("fsync")
        super().fsync(temp)

    def publish(self, temp: Path, final: Path) -> bool:
        self.log.append("publish")
        return super().publish(temp, final)

    def replace(self, temp: Path, final: Path) -> None:
        self.log.append("replace")
        super().replace(temp, final)

    def fsync_dir(self, folder: Path) -> None:
        self.log.append(f"fsync_dir {folder.name}")
        super().fsync_dir(folder)
