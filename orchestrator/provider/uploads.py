"""Hosting a local image: a ticket and a PUT, or the older multipart form (docs: media upload)."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx

from orchestrator.core.specs import LocalImage
from orchestrator.ports import (
    Lost,
    Rejected,
    Throttled,
    Uploaded,
    UploadOutcome,
)
from orchestrator.provider.classify import NOT_HERE, Meaning, Reply, classify_error, meaning_of, refusal
from orchestrator.provider.http import ApiHttp, check_url
from orchestrator.runtime.http_transport import timeouts

UPLOAD_BYTES_MAX: Final = 200 * 1024 * 1024
EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
}

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,4096}")
_OURS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "host", "content-length", "transfer-encoding"}
)
"""Headers that a ticket may not set: credentials never go to a media host, framing is the transport's
business."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where to PUT, with which headers, and where the picture will be found."""

    put_url: str
    headers: Mapping[str, str]
    hosted_url: str


class Uploads:
    """Uploads through `http` (tickets, with the key) and `media` (bytes, without)."""

    def __init__(
        self,
        http: ApiHttp,
        media: httpx.AsyncBaseTransport,
        *,
        read_seconds: float,
        upload_seconds: float,
    ) -> None:
        self._http = http
        self._media = media
        self._read_seconds = read_seconds
        self._upload_seconds = upload_seconds

    async def upload(self, image: LocalImage) -> UploadOutcome:
        """Host the image under a name made of its digest: what a file is called at home is nobody's
        business.
        """
        content = await asyncio.to_thread(_bytes_of, image)
        if isinstance(content, Rejected):
            return content
        name = f"{image.sha256[:32]}.{EXTENSIONS.get(image.media_type, 'bin')}"
        reply = await self._http.request(
            "POST",
            "/api/v3/media/uploads",
            body={"filename": name, "size": len(content), "content_type": image.media_type},
            read_seconds=self._read_seconds,
        )
        if isinstance(reply, Reply) and reply.status in NOT_HERE:
            return await self._multipart(name, content, image.media_type)
        if not isinstance(reply, Reply):
            return reply
        failure = refusal(reply)
        if failure is not None:
            return failure
        ticket = read_ticket(reply.body.data, loopback_http=self._http.is_loopback)
        if ticket is None:
            return Lost("the upload ticket cannot be read")
        return await self._put(ticket, content)

    async def aclose(self) -> None:
        """Close the media connections."""
        await self._media.aclose()

    async def _put(self, ticket: Ticket, content: bytes) -> UploadOutcome:
        request = httpx.Request(
            "PUT",
            ticket.put_url,
            headers=ticket.headers,
            content=content,
            extensions={"timeout": timeouts(10.0, self._upload_seconds)},
        )
        try:
            async with asyncio.timeout(2 * self._upload_seconds):
                response = await self._media.handle_async_request(request)
                await response.aclose()
        except (httpx.TransportError, TimeoutError) as error:
            return classify_error(error)
        status = response.status_code
        if status == HTTPStatus.PRECONDITION_FAILED and await self._is_there(ticket.hosted_url, len(content)):
            return Uploaded(ticket.hosted_url)
        return _put_outcome(status, ticket.hosted_url)

    async def _is_there(self, url: str, size: int) -> bool:
        """Whether a picture of this size can be read there. It is called by its digest, so an earlier upload
        of the same bytes, whose answer was lost, is what a host means that refuses to replace it.
        """
        request = httpx.Request(
            "GET",
            url,
            headers={"Accept-Encoding": "identity"},
            extensions={"timeout": timeouts(10.0, self._read_seconds)},
        )
        try:
            async with asyncio.timeout(2 * self._read_seconds):
                response = await self._media.handle_async_request(request)
                try:
                    return response.status_code == HTTPStatus.OK and await _length(response, size) == size
                finally:
                    await response.aclose()
        except (httpx.TransportError, TimeoutError):
            return False

    async def _multipart(self, name: str, content: bytes, media_type: str) -> UploadOutcome:
        reply = await self._http.request(
            "POST",
            "/api/v3/media/upload/binary",
            files={"file": (name, content, media_type)},
            read_seconds=self._upload_seconds,
        )
        if not isinstance(reply, Reply):
            return reply
        failure = refusal(reply)
        if failure is not None:
            return failure
        url = _hosted_url(reply.body.data, loopback_http=self._http.is_loopback)
        return Lost("the upload's answer names no usable download_url") if url is None else Uploaded(url)


async def _length(response: httpx.Response, most: int) -> int:
    """How many bytes the body has; one more than `most` when it has more."""
    seen = 0
    async for piece in response.aiter_raw():
        seen += len(piece)
        if seen > most:
            return most + 1
    return seen


def read_ticket(data: object, *, loopback_http: bool) -> Ticket | None:
    """The ticket in `data`; None when it asks for anything but a plain PUT to a safe URL."""
    upload = data.get("upload") if isinstance(data, dict) else None
    hosted_url = _hosted_url(data, loopback_http=loopback_http)
    if not isinstance(upload, dict) or hosted_url is None:
        return None
    if str(upload.get("method", "PUT")).upper() != "PUT":
        return None
    put_url = _safe_url(upload.get("url"), loopback_http=loopback_http)
    headers = upload.get("headers") or {}
    if put_url is None or not isinstance(headers, dict) or not all(map(_is_header, headers.items())):
        return None
    kept = {name: value for name, value in headers.items() if name.lower() not in _OURS}
    return Ticket(put_url, kept, hosted_url)


def _put_outcome(status: int, hosted_url: str) -> UploadOutcome:
    """A media host's refusal is about the ticket, never about our key, so a fresh ticket may do better."""
    match meaning_of(status):
        case Meaning.DONE:
            return Uploaded(hosted_url)
        case Meaning.THROTTLED:
            return Throttled(message="the media host answered HTTP 429")
        case Meaning.REJECTED if status not in NOT_HERE:
            return Rejected(f"the media host refused the picture with HTTP {status}", http_status=status)
        case _:
            refused = status if httpx.codes.is_client_error(status) else None
            return Lost(f"the media host answered HTTP {status}; a fresh ticket is needed", refused)


def _hosted_url(data: object, *, loopback_http: bool) -> str | None:
    return (
        _safe_url(data.get("download_url"), loopback_http=loopback_http) if isinstance(data, dict) else None
    )


def _safe_url(value: object, *, loopback_http: bool) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        check_url(value, loopback_http=loopback_http)
    except ValueError:
        return None
    return value


def _is_header(item: tuple[Any, Any]) -> bool:
    name, value = item
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and _HEADER_NAME.fullmatch(name) is not None
        and _HEADER_VALUE.fullmatch(value) is not None
    )


def _bytes_of(image: LocalImage) -> bytes | Rejected:
    """The image's bytes, or why they are not the ones that were planned and priced."""
    path = Path(image.path)
    try:
        if path.stat().st_size > UPLOAD_BYTES_MAX:
            return Rejected(f"{path.name} is larger than the provider's 200 MB", http_status=413)
        content = path.read_bytes()
    except OSError as error:
        return Rejected(f"cannot read {path.name}: {error.strerror}; put it back and retry", http_status=400)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        return Rejected(
            f"{path.name} has changed since the manifest was applied; apply it again", http_status=409
        )
    return content
