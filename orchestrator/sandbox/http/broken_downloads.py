"""All that can go wrong with a download: another thing in the picture's place, or the picture itself
spoiled.
"""

import asyncio
import gzip
import zlib
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from aiohttp import web

from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.replies import drop, gateway_page, picture_reply, plain_fault

GIF: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
ZEROS: Final = bytes(256 * 1024)
METADATA_URL: Final = "http://169.254.169.254/latest/meta-data/"
SLOW_PIECES: Final = 10
LONG_TEXT_BYTES: Final = 2_000_000
PNG_HEAD_BYTES: Final = 33  # signature and first chunk

_INSTEAD: Final[Mapping[Fault, Callable[[web.Request, str], web.Response]]] = {
    Fault.DOWNLOAD_HTML: lambda _request, _ending: gateway_page(200, "Please wait"),
    Fault.DOWNLOAD_OTHER_FORMAT: lambda _request, _ending: picture_reply(GIF, "gif"),
    Fault.DOWNLOAD_EMPTY: lambda _request, ending: picture_reply(b"", ending),
    Fault.DOWNLOAD_REDIRECT: lambda request, _ending: _found(str(request.rel_url)),
    Fault.DOWNLOAD_REDIRECT_LOOP: lambda request, _ending: _found(f"/loop{request.path}"),
    Fault.DOWNLOAD_REDIRECT_INWARD: lambda _request, _ending: _found(METADATA_URL),
}


async def instead_of_picture(
    world: World, request: web.Request, fault: Fault, ending: str
) -> web.StreamResponse | None:
    """What comes in the picture's place; None for a fault that needs the picture."""
    if fault in _INSTEAD:
        return _INSTEAD[fault](request, ending)
    if fault is Fault.DOWNLOAD_ENDLESS:
        return await _endless(request, ending, world.config.endless_bytes_max)
    return plain_fault(fault.manner, world.config.retry_after)


async def spoiled_picture(
    world: World, request: web.Request, fault: Fault, data: bytes, ending: str
) -> web.StreamResponse:
    """The picture, but not as it should be."""
    if fault in _ALTERED:
        return _ALTERED[fault](data, ending)
    match fault:
        case Fault.DOWNLOAD_SLOW:
            return await _slow(world=world, request=request, data=data, ending=ending)
        case Fault.DOWNLOAD_NO_LENGTH:
            return await _chunked(request, data, ending)
        case _:
            return await _broken(request, data, ending, reset=fault is Fault.DOWNLOAD_DROP)


def _with_text(data: bytes, words: bytes, *, checksum_off: int) -> bytes:
    """A PNG with compressed text after its header; any other picture as it is."""
    if not data.startswith(b"\x89PNG"):
        return data
    chunk = b"zTXtComment\x00\x00" + zlib.compress(words)
    checksum = zlib.crc32(chunk) ^ checksum_off
    text = (len(chunk) - 4).to_bytes(4) + chunk + checksum.to_bytes(4)
    return data[:PNG_HEAD_BYTES] + text + data[PNG_HEAD_BYTES:]


def _packed(data: bytes, ending: str) -> web.Response:
    """The picture, compressed."""
    reply = picture_reply(gzip.compress(data, 1), ending)
    reply.headers["Content-Encoding"] = "gzip"
    return reply


_ALTERED: Final[Mapping[Fault, Callable[[bytes, str], web.Response]]] = {
    Fault.DOWNLOAD_WRONG_TYPE: lambda data, _ending: web.Response(body=data, content_type="text/plain"),
    Fault.DOWNLOAD_CORRUPT: lambda data, ending: picture_reply(data[: len(data) // 2], ending),
    Fault.DOWNLOAD_GZIP: _packed,
    Fault.DOWNLOAD_LONG_TEXT: lambda data, ending: picture_reply(
        _with_text(data, bytes(LONG_TEXT_BYTES), checksum_off=0), ending
    ),
    Fault.DOWNLOAD_BAD_SIDE_SUM: lambda data, ending: picture_reply(
        _with_text(data, b"a word", checksum_off=1), ending
    ),
}


def _found(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})


def _stream(ending: str, length: int | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": f"image/{ending}"})
    if length is None:
        response.enable_chunked_encoding()
    else:
        response.content_length = length
    return response


async def _endless(request: web.Request, ending: str, bytes_max: int) -> web.StreamResponse:
    """Zeros for as long as the client takes them, up to a limit."""
    response = _stream(ending, None)
    await response.prepare(request)
    with suppress(ConnectionError):
        for _piece in range(bytes_max // len(ZEROS)):
            await response.write(ZEROS)
    drop(request)
    return response


async def _slow(world: World, request: web.Request, data: bytes, ending: str) -> web.StreamResponse:
    """The picture in pieces, over `slow_seconds` in all."""
    response = _stream(ending, len(data))
    await response.prepare(request)
    step = len(data) // SLOW_PIECES + 1
    with suppress(ConnectionError):
        for start in range(0, len(data), step):
            await response.write(data[start : start + step])
            await world.clock.sleep(world.config.slow_seconds / SLOW_PIECES)
    return response


async def _chunked(request: web.Request, data: bytes, ending: str) -> web.StreamResponse:
    """The whole picture, its length not announced."""
    response = _stream(ending, None)
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(data)
    return response


async def _broken(request: web.Request, data: bytes, ending: str, *, reset: bool) -> web.StreamResponse:
    """Half of what Content-Length promises, then the end: closed, or reset."""
    response = _stream(ending, len(data))
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(data[: len(data) // 2])
    await asyncio.sleep(0)  # noqa: TID251 - lets the loop send what is written; no time passes
    drop(request, reset=reset)
    return response
