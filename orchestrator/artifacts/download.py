"""Bytes from a URL into a temporary file: hashed on the way, bounded in redirects and size."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from orchestrator.artifacts.files import FileStore, TempFile
from orchestrator.artifacts.urls import ForbiddenUrlError, check_source
from orchestrator.ports import Crashpoint, FetchFailed, FetchFault

WRITE_BYTES: Final = 256 * 1024

_GONE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class DownloadError(Exception):
    """A download that ended without the bytes; `failed` says why."""

    def __init__(self, fault: FetchFault, message: str) -> None:
        super().__init__(message)
        self.failed = FetchFailed(fault, message)


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived whole."""

    sha256: str
    bytes: int


class Downloader:
    """GETs without credentials; redirects are followed by hand and each hop is checked."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        files: FileStore,
        crashpoint: Crashpoint,
        *,
        max_bytes: int,
        max_redirects: int,
    ) -> None:
        self._client = client
        self._files = files
        self._crashpoint = crashpoint
        self._max_bytes = max_bytes
        self._max_redirects = max_redirects

    async def into(self, temp: TempFile, url: str) -> Received:
        """Write the bytes behind `url` to `temp`; DownloadError when they did not arrive, OSError of our own disk."""
        try:
            async with self._answer(url) as response:
                return await self._receive(response, temp)
        except httpx.TransportError as error:
            words = str(error) or type(error).__name__
            raise DownloadError(FetchFault.TRANSIENT, f"the download broke off: {words}") from error

    @asynccontextmanager
    async def _answer(self, url: str) -> AsyncIterator[httpx.Response]:
        """The first answer that is not a redirect, if it is a 200."""
        target, hops = _checked(url, None), 0
        while True:
            request = httpx.Request(
                "GET",
                target,
                headers={"Accept": "image/*", "Accept-Encoding": "identity"},
                extensions={"timeout": self._client.timeout.as_dict()},
            )
            response = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
            try:
                location = response.headers.get("Location")
                if response.status_code in _REDIRECTS and location:
                    target, hops = _checked(location, target), hops + 1
                    if hops > self._max_redirects:
                        raise DownloadError(
                            FetchFault.TRANSIENT, f"more than {self._max_redirects} redirects"
                        )
                    continue
                _check_status(response)
                yield response
                return
            finally:
                await response.aclose()

    async def _receive(self, response: httpx.Response, temp: TempFile) -> Received:
        promised = _promised_length(response)
        if promised is not None and promised > self._max_bytes:
            raise self._too_large()
        digest = hashlib.sha256()
        length, buffer, halved = 0, bytearray(), False
        async for piece in response.aiter_raw():
            length += len(piece)
            if length > self._max_bytes:
                raise self._too_large()
            digest.update(piece)
            buffer += piece
            if len(buffer) >= WRITE_BYTES:
                halved = self._write(temp, bytes(buffer), halved=halved)
                buffer.clear()
        if buffer:
            self._write(temp, bytes(buffer), halved=halved)
        if promised is not None and promised != length:
            raise DownloadError(FetchFault.TRANSIENT, f"{length} of {promised} bytes arrived")
        return Received(digest.hexdigest(), length)

    def _write(self, temp: TempFile, content: bytes, *, halved: bool) -> bool:
        """Write `content`; the first time in two halves, with the crash point between them."""
        middle = 0 if halved else len(content) // 2
        if not halved:
            self._files.write(temp, content[:middle])
            self._crashpoint("artifact.half_written")
        self._files.write(temp, content[middle:])
        return True

    def _too_large(self) -> DownloadError:
        return DownloadError(FetchFault.BAD_CONTENT, f"the output is larger than {self._max_bytes} bytes")


def _checked(text: str, via: httpx.URL | None) -> httpx.URL:
    try:
        return check_source(text, via=via)
    except ForbiddenUrlError as error:
        raise DownloadError(FetchFault.BAD_CONTENT, f"not downloaded: {error}") from None


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        raise DownloadError(FetchFault.GONE, f"the output host answered HTTP {status}; the URL has expired")
    if status != HTTPStatus.OK:
        raise DownloadError(FetchFault.TRANSIENT, f"the output host answered HTTP {status}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise DownloadError(FetchFault.TRANSIENT, "the output host compressed a picture it was asked not to")


def _promised_length(response: httpx.Response) -> int | None:
    text = response.headers.get("Content-Length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004
