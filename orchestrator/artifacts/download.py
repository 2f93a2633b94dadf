"""Bytes from a URL: unpacked where the host compressed them, bounded in redirects and size."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import httpx

from orchestrator.artifacts.allowed_urls import ForbiddenUrlError, check_source
from orchestrator.artifacts.incoming import Incoming
from orchestrator.artifacts.unpacking import PackingError, Unpacker, check_encoding
from orchestrator.core.addresses import Nearness
from orchestrator.ports import FetchFailed, FetchFault
from orchestrator.runtime.transport_errors import ForbiddenHostError

_GONE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = httpx.Headers(
    {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "orchestrator"}
)
_NO_BODY: Final = httpx.ByteStream(b"")


class DownloadError(Exception):
    """A download that ended without the bytes; `failed` says why."""

    def __init__(self, fault: FetchFault, message: str) -> None:
        super().__init__(message)
        self.failed = FetchFailed(fault, message)


class Downloader:
    """GETs without credentials; redirects are followed by hand and each hop is checked."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        max_bytes: int,
        max_redirects: int,
        connect_seconds: float,
        read_seconds: float,
        api: Nearness,
    ) -> None:
        """`api` says where the API is: near addresses are asked only where it is near, too."""
        self._api = api
        self._transport = transport
        self._max_bytes = max_bytes
        self._max_redirects = max_redirects
        self._extensions: dict[str, Any] = {
            "timeout": {"connect": connect_seconds, "pool": read_seconds, "read": read_seconds}
        }

    async def into(self, incoming: Incoming, url: str) -> None:
        """Take in the bytes behind `url`; DownloadError when they did not arrive, OSError of our own disk."""
        try:
            target: httpx.URL | None = self._checked(url, None)
            for _hop in range(self._max_redirects + 1):
                assert target is not None
                target = await self._ask(incoming, target)
                if target is None:
                    return
        except ForbiddenHostError as error:
            raise DownloadError(FetchFault.BAD_CONTENT, f"not downloaded: {error}") from error
        except httpx.TransportError as error:
            words = str(error) or type(error).__name__
            raise DownloadError(FetchFault.TRANSIENT, f"the download broke off: {words}") from error
        raise DownloadError(FetchFault.TRANSIENT, f"more than {self._max_redirects} redirects")

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _ask(self, incoming: Incoming, target: httpx.URL) -> httpx.URL | None:
        """One GET: None when the bytes have arrived, else where to ask instead."""
        request = httpx.Request("GET", target, headers=_HEADERS, stream=_NO_BODY, extensions=self._extensions)
        response = await self._transport.handle_async_request(request)
        try:
            location = response.headers.get("Location")
            if response.status_code in _REDIRECTS and location:
                return self._checked(location, target)
            _check_status(response)
            await self._receive(response, incoming)
        finally:
            await response.aclose()
        return None

    async def _receive(self, response: httpx.Response, incoming: Incoming) -> None:
        promised = _promised_length(response)
        if promised is not None and promised > self._max_bytes:
            raise self._too_large()
        try:
            unpacker = Unpacker(check_encoding(response.headers.get("Content-Encoding", "")))
            arrived = 0
            async for piece in response.aiter_raw():
                arrived += len(piece)
                self._take(incoming, unpacker.feed(piece))
            if promised is not None and promised != arrived:
                raise DownloadError(FetchFault.TRANSIENT, f"{arrived} of {promised} bytes arrived")
            self._take(incoming, unpacker.finish())
        except PackingError as error:
            raise DownloadError(FetchFault.TRANSIENT, str(error)) from None

    def _take(self, incoming: Incoming, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            incoming.add(piece)
            if incoming.length > self._max_bytes:
                raise self._too_large()

    def _checked(self, text: str, via: httpx.URL | None) -> httpx.URL:
        try:
            return check_source(text, api=self._api, via=via)
        except ForbiddenUrlError as error:
            raise DownloadError(FetchFault.BAD_CONTENT, f"not downloaded: {error}") from None

    def _too_large(self) -> DownloadError:
        return DownloadError(FetchFault.BAD_CONTENT, f"the output is larger than {self._max_bytes} bytes")


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        raise DownloadError(FetchFault.GONE, f"the output host answered HTTP {status}; the URL has expired")
    if status != HTTPStatus.OK:
        raise DownloadError(FetchFault.TRANSIENT, f"the output host answered HTTP {status}")


def _promised_length(response: httpx.Response) -> int | None:
    text = response.headers.get("Content-Length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004
