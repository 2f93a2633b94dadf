"""How every client talks HTTP: httpx's interface over aiohttp's connections.

httpx's own pool collapses at thousands of requests in flight. The ready-made bridges to aiohttp map
`ServerDisconnectedError` (the request was sent, then the connection closed) to `httpx.ConnectTimeout`
(nothing was sent), which here would pay for a picture twice. So this bridge draws one line and keeps it:

* `httpx.ConnectError`, `ConnectTimeout` and `PoolTimeout` mean that no byte of the request left;
* every other `httpx.TransportError` means that the request may have been acted on.

It sends each request once (also the ones that aiohttp would repeat), keeps no cookies, follows no redirect,
goes through the proxy that `Network` names and no other, and sends URLs byte for byte, because signed URLs do
not survive being re-quoted.
Clients call the transport itself: `httpx.AsyncClient` would add as much work again for cookies, redirects and
credentials, which no client may have.
"""

import io
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Final

import aiohttp
import httpx
import yarl

from orchestrator.runtime.network import DIRECT, Network
from orchestrator.runtime.resolving import CheckedResolver
from orchestrator.runtime.transport_errors import HeldBackError, translated

KEEPALIVE_SECONDS: Final = 4.0
"""Shorter than what servers grant idle connections (5 s and up): a POST sent on a connection that the
server is just closing is lost, and a lost submit has to be treated as possibly paid."""

USER_AGENT: Final = "orchestrator"
LARGE_BODY_BYTES: Final = 512 * 1024
STILL_VALID: Final = "orchestrator.still_valid"
"""Request extension: a function that is asked just before the first byte leaves, or None."""


def timeouts(connect_seconds: float, read_seconds: float) -> dict[str, float | None]:
    """The `timeout` extension of a request: `connect_seconds` bounds DNS, TCP and TLS; `read_seconds`
    bounds each wait for bytes, not the whole answer, and the wait for a free connection.
    """
    return {"connect": connect_seconds, "pool": read_seconds, "read": read_seconds}


def make_transport(
    connections: int = 100, network: Network = DIRECT, *, near: str | None = None
) -> "AiohttpTransport":
    """A transport for one client, with at most `connections` open at once; more requests wait their turn.

    With `near`, the host of the API, names are resolved once and checked: what resolves to this machine or to
    a private network is not connected to (ForbiddenHostError), unless `near` is there too.
    """
    return AiohttpTransport(connections, network, near)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """See the module's words for what it promises. The session starts with the first request, inside its
    loop.
    """

    def __init__(self, connections: int, network: Network, near: str | None) -> None:
        self._connections = connections
        self._network = network
        self._near = near
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send once; raises httpx.TransportError and nothing else of the network's."""
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        body = await request.aread()
        sending = _Sending(request.extensions.get(STILL_VALID))
        asked = _sending.set(sending)
        try:
            response = await self._live_session().request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=[
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
                ],
                data=_payload(body),
                allow_redirects=False,
                timeout=_timeout(limits.get("pool"), limits.get("connect"), limits.get("read")),
                proxy=self._network.proxy_for(request.url),
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise translated(error, request, begun=sending.begun) from error
        finally:
            _sending.reset(asked)
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=_Stream(response, request),
            request=request,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _live_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    keepalive_timeout=KEEPALIVE_SECONDS,
                    ssl=self._network.ssl_context(),
                    resolver=None if self._near is None else CheckedResolver(self._near, self._network),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                middlewares=(_send_once,),
                request_class=_AskingRequest,
            )
        return self._session


class _Stream(httpx.AsyncByteStream):
    """The body of an answer, as it arrives."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise translated(error, self._request, answered=True) from error

    async def aclose(self) -> None:
        # An unread rest means that the connection cannot be used again; a fully read one went back already.
        self._response.close()


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    # aiohttp warns about large plain bytes, which it would copy in one go.
    if len(body) > LARGE_BODY_BYTES:
        return io.BytesIO(body)
    return body or None


@dataclass(slots=True)
class _Sending:
    """One request on its way: what is asked before its first byte, and whether that moment was reached."""

    still_valid: Callable[[], bool] | None
    begun: bool = False


_sending: ContextVar[_Sending] = ContextVar("sending")


class _AskingRequest(aiohttp.ClientRequest):
    """Asks whether it is still valid when its connection is there and nothing has been written to it. A
    proxy's CONNECT is another request, and over by then.

    aiohttp's tracing offers such a moment too, but costs every request a third of its time (tests prove this
    one with a real socket).
    """

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Write the request, or raise HeldBackError."""
        sending = _sending.get()
        if sending.still_valid is not None and not sending.still_valid():
            raise HeldBackError("held back: too much time has passed since it was meant to leave")
        sending.begun = True
        return await super().send(conn)


class _SentError(aiohttp.ClientError):
    """Carries an error past aiohttp's own repetition of idempotent requests."""


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _SentError(str(error) or type(error).__name__) from error


@cache
def _timeout(pool: float | None, connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=pool, sock_connect=connect, sock_read=read)
