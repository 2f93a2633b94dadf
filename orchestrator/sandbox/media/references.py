"""Input pictures of a submit, really read: hosted ones, `data:` ones, and others on loopback. Nothing
else is ever contacted.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from orchestrator.sandbox.config import ForeignImages
from orchestrator.sandbox.media.uploads import (
    MediaStore,
    data_url_bytes,
    is_loopback,
    own_media_id,
    picture_type,
)
from orchestrator.sandbox.tasks import Reference

FETCH_BYTES_MAX: Final = 50 * 1024 * 1024
FETCH_SECONDS_MAX: Final = 10.0


class Unfetchable(Exception):  # noqa: N818 - a verdict on a URL, not a fault of the program
    """An input picture that cannot be had; the text is its URL."""


async def resolve(
    urls: Iterable[str], store: MediaStore, now_ms: int, foreign: ForeignImages
) -> tuple[Reference, ...]:
    """A reference per URL, in order; raises Unfetchable for the first that cannot be had or is no picture."""
    return tuple([await _one(url=url, store=store, now_ms=now_ms, foreign=foreign) for url in urls])


async def _one(url: str, store: MediaStore, now_ms: int, foreign: ForeignImages) -> Reference:
    media_id = own_media_id(url)
    if media_id in store.media:  # else another server on this machine may have it
        media = store.find(media_id, now_ms)
        if media is None or not media.is_picture:
            raise Unfetchable(url)
        return Reference(url, media.sha256)
    if url.startswith("data:"):
        return _kept(url, data_url_bytes(url), store)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unfetchable(url)
    if is_loopback(parts.hostname):
        return _kept(url, await _fetch(url), store)
    if foreign is ForeignImages.FAIL or parts.hostname.endswith(".invalid"):
        raise Unfetchable(url)
    return Reference(url, None)


def _kept(url: str, data: bytes | None, store: MediaStore) -> Reference:
    if data is None or picture_type(data) is None:
        raise Unfetchable(url)
    return Reference(url, store.keep(data))


async def _fetch(url: str) -> bytes | None:
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.get(url, allow_redirects=False) as response,
        ):
            if response.status != HTTPStatus.OK:
                return None
            data = await response.content.read(FETCH_BYTES_MAX + 1)
            while len(data) <= FETCH_BYTES_MAX and not response.content.at_eof():
                data += await response.content.read(FETCH_BYTES_MAX + 1 - len(data))
            return data if len(data) <= FETCH_BYTES_MAX else None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
