"""What went wrong with a request, in httpx's words, along one line that is never blurred.

* `httpx.ConnectError`, `ConnectTimeout` and `PoolTimeout` mean that no byte of the request left;
* every other `httpx.TransportError` means that the request may have been acted on.
"""

import asyncio
from typing import Final

import aiohttp
import httpx

from orchestrator.runtime.resolving import ForbiddenAddressError

NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""The errors that mean that no byte of the request left."""


class TooLateError(httpx.ConnectError):
    """The request was not valid any more when it could have left; no byte of it did."""


class ForbiddenHostError(httpx.ConnectError):
    """The name resolves to an address that this client does not connect to."""


class HeldBackError(aiohttp.ClientError):
    """Raised where the first byte would have been written."""


def translated(
    error: Exception, request: httpx.Request, *, begun: bool = True, answered: bool = False
) -> httpx.TransportError:
    """The error in httpx's words. Once the request has begun nothing maps to a connect error, and before that
    everything does: a proxy that refuses, or hangs up while it is asked, has seen nothing of the request.
    """
    words = _words(error)
    if isinstance(getattr(error, "os_error", None), ForbiddenAddressError):
        return ForbiddenHostError(words, request=request)
    kinds = _AFTER if answered else {**_BEFORE, **_AFTER}
    kind = next((made for caught, made in kinds.items() if isinstance(error, caught)), httpx.ReadError)
    if not begun and not issubclass(kind, NOTHING_SENT):
        kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
    return kind(words, request=request)


def _words(error: Exception) -> str:
    """What happened, for a reader."""
    if isinstance(forbidden := getattr(error, "os_error", None), ForbiddenAddressError):
        return str(forbidden)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered HTTP {error.status} ({error.message})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port} ({error.os_error.strerror or error.os_error})"
    return str(error) or type(error).__name__


_BEFORE: Final[dict[type[Exception] | tuple[type[Exception], ...], type[httpx.TransportError]]] = {
    HeldBackError: TooLateError,
    (aiohttp.ClientConnectorError, aiohttp.ServerFingerprintMismatch): httpx.ConnectError,
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError): httpx.UnsupportedProtocol,
}
"""Errors before the answer's head has come; the first that fits counts."""

_AFTER: Final[dict[type[Exception] | tuple[type[Exception], ...], type[httpx.TransportError]]] = {
    asyncio.TimeoutError: httpx.ReadTimeout,
    (aiohttp.ClientResponseError, ValueError): httpx.RemoteProtocolError,
}
