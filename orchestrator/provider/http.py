"""One place that sends requests to the provider's API, and the only one that holds the key."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import httpx

from orchestrator.core.addresses import is_loopback
from orchestrator.core.provider_clock import Instant
from orchestrator.ports import Clock, Lost, NotSent
from orchestrator.provider.classify import Reply, classify_error, parse_date, parse_retry_after
from orchestrator.provider.wire import BODY_BYTES_MAX, UNREADABLE, Body, decoded, read_body
from orchestrator.runtime.http_transport import STILL_VALID, USER_AGENT, timeouts

REDACTED: Final = "[key]"

Dated = Callable[[int, Instant, Instant], None]
"""Told the Date of an answer (ms), when the request was about to leave, and when the answer began."""


class ApiHttp:
    """Requests to the configured API host, with the key, each sent once.

    The key goes to `base_url`'s origin and nowhere else: a path is all that a caller can choose, and
    redirects are answers, never followed. It is cut out of every answer and error before anybody can store or
    print it.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        clock: Clock,
        *,
        transport: httpx.AsyncBaseTransport,
        connect_seconds: float = 10.0,
        dated: Dated | None = None,
    ) -> None:
        """Raises ValueError for a base URL that is not https (http is for loopback only), or for an
        unusable key. `dated` is told the `Date` of every answer.
        """
        if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ValueError("the API key is empty or holds characters that no key has")
        base = check_url(base_url).copy_with(query=None, fragment=None)
        self._base = str(base).rstrip("/")
        self.host = base.host
        self._api_key = api_key
        self._clock = clock
        self._connect_seconds = connect_seconds
        self._dated = dated
        self._headers = httpx.Headers(
            {
                "Authorization": f"Bearer {api_key}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": USER_AGENT,
            }
        )
        self._json_headers = httpx.Headers({**self._headers, "Content-Type": "application/json"})
        self._transport = transport

    @property
    def is_loopback(self) -> bool:
        """Whether the API is a stand-in on this machine."""
        return is_loopback(self.host)

    async def request(
        self,
        method: str,
        path: str,
        *,
        read_seconds: float,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        exact: bool = False,
        still_valid: Callable[[], bool] | None = None,
    ) -> Reply | NotSent | Lost:
        """The whole answer, or why there is none. `path` starts with a slash and is joined to the base URL.

        `read_seconds` limits each wait for bytes; the whole exchange may take twice that. `exact` reads
        fractions in the answer as Decimal.
        """
        assert path.startswith("/"), path
        content = b""
        if body is not None:
            try:
                content = _encoded(body)
            except (TypeError, ValueError):
                return Reply(
                    HTTPStatus.BAD_REQUEST,
                    Body(readable=True, message="the inputs cannot be written as JSON; nothing was sent"),
                )
        request = httpx.Request(
            method,
            _parsed(self._base + path),
            headers=self._headers if body is None else self._json_headers,
            # A body that is a stream already spares httpx from working out headers that the transport sets
            # itself.
            stream=httpx.ByteStream(content) if files is None else None,
            params=query,
            files=files,
            extensions={
                "timeout": timeouts(self._connect_seconds, read_seconds),
                STILL_VALID: still_valid,
            },
        )
        try:
            async with asyncio.timeout(self._connect_seconds + 2 * read_seconds):
                return await self._send(request, exact=exact)
        except (httpx.TransportError, TimeoutError) as error:
            outcome = classify_error(error)
            return replace(outcome, message=self._redacted(outcome.message))

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _send(self, request: httpx.Request, *, exact: bool) -> Reply:
        sent = self._now()
        response = await self._transport.handle_async_request(request)
        if self._dated is not None and (date := parse_date(response.headers.get("Date"))) is not None:
            self._dated(date, sent, self._now())
        try:
            return Reply(
                response.status_code,
                await self._read(response, exact=exact),
                parse_retry_after(response.headers.get("Retry-After"), self._clock.now_ms()),
            )
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response, *, exact: bool) -> Body:
        """The body; UNREADABLE when it is too long. A connection that fails midway raises
        httpx.TransportError.
        """
        pieces: list[bytes] = []
        length = 0
        async for piece in response.aiter_raw():
            pieces.append(piece)
            length += len(piece)
            if length > BODY_BYTES_MAX:
                return UNREADABLE
        raw = decoded(b"".join(pieces), response.headers.get("Content-Encoding", ""))
        if raw is None:
            return UNREADABLE
        return read_body(raw.replace(self._api_key.encode(), REDACTED.encode()), exact=exact)

    def _now(self) -> Instant:
        return Instant(self._clock.now_ms(), self._clock.monotonic())

    def _redacted(self, text: str) -> str:
        return text.replace(self._api_key, REDACTED)


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    """Parsing costs more than the rest of a request's making, and a model's URL is the same for each
    submit.
    """
    return httpx.URL(url)


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def check_url(text: str, *, loopback_http: bool = True) -> httpx.URL:
    """`text` as a URL that we may send to: https, or http to loopback when allowed; no user name; else
    ValueError.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise ValueError(f"{text[:200]!r} is not a URL") from None
    if not url.host or url.userinfo:
        raise ValueError(f"{url.scheme}://{url.host} must have a host and no user name or password")
    if url.scheme == "https" or (url.scheme == "http" and loopback_http and is_loopback(url.host)):
        return url
    raise ValueError(f"{url.scheme}://{url.host} is not https")
