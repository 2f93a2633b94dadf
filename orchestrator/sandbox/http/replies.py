"""HTTP replies: the usual envelope, refusals in the shapes the provider has been seen to use, and broken
ones.
"""

import json
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

JSON_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}
PAST_DATE: Final = "Wed, 21 Oct 2015 07:28:00 GMT"
LINGER_NOT: Final = struct.pack("ii", 1, 0)  # closing then sends a reset instead of an orderly end
GATEWAY_PAGE: Final = (
    "<html>\r\n<head><title>{status} {words}</title></head>\r\n<body>\r\n<center><h1>{status} "
    "{words}</h1></center>\r\n"
    "<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Any JSON body."""
    encoded = json.dumps(body, separators=(",", ":")).encode()
    return web.Response(body=encoded, status=status, headers={**JSON_HEADERS, **(headers or {})})


def raw_json_reply(text: str) -> web.Response:
    """A 200 that says it is JSON, whatever the text is."""
    return web.Response(body=text.encode(), headers=JSON_HEADERS)


def success(data: Any) -> web.Response:
    """The envelope of a good answer (docs: REST API)."""
    return json_reply({"code": 200, "message": "success", "data": data})


def refusal(
    status: int, message: str, code: int | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The envelope of a refusal; its code is the HTTP status unless an application code is given."""
    return json_reply({"code": status if code is None else code, "message": message}, status, headers)


def throttled(retry_after: str | int | None = None, message: str = "Too Many Requests") -> web.Response:
    """429, with the header or without."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return refusal(429, message, headers=headers)


def role_denied() -> web.Response:
    """403 in the shape of permission failures: no envelope code."""
    words = "Your role 'Viewer' does not have permission to run models."
    return json_reply({"message": words, "error_code": "PERMISSION_DENIED"}, 403)


def suspended() -> web.Response:
    """403 of a suspended account."""
    return refusal(403, "Account suspended. Please contact support.")


def unauthorized() -> web.Response:
    """401: the key is missing, wrong or not activated."""
    return refusal(401, "Unauthorized: invalid or missing API key")


def gateway_page(status: int, words: str) -> web.Response:
    """An HTML page of a gateway, which is not the provider's JSON (docs: sync mode)."""
    page = GATEWAY_PAGE.format(status=status, words=words)
    return web.Response(text=page, status=status, content_type="text/html")


def picture_reply(data: bytes, ending: str) -> web.Response:
    """A picture; `ending` is its format's name."""
    return web.Response(body=data, headers={"Content-Type": f"image/{ending}"})


def halved(response: web.Response) -> web.Response:
    """The same reply with only half its body, and a Content-Length that fits the half."""
    body = response.body
    whole = body if isinstance(body, bytes) else b""
    return web.Response(body=whole[: len(whole) // 2], status=response.status, headers=JSON_HEADERS)


_PLAIN: Final[Mapping[str, Callable[[], web.Response]]] = {
    "error_500": lambda: refusal(500, "Internal Server Error"),
    "error_502": lambda: web.Response(status=502),
    "error_503": lambda: refusal(503, "Service Unavailable"),
    "html_504": lambda: gateway_page(504, "Gateway Time-out"),
    "html_200": lambda: gateway_page(200, "Just a moment..."),
    "empty_200": lambda: web.Response(headers=JSON_HEADERS),
    "throttle": throttled,
    "throttle_zero": lambda: throttled(0),
    "throttle_negative": lambda: throttled(-1),
    "throttle_huge": lambda: throttled(10**9),
    "throttle_garbage": lambda: throttled("soon"),
    "throttle_past_date": lambda: throttled(PAST_DATE),
    "refused_400": lambda: refusal(400, "Bad Request"),
    "refused_401": unauthorized,
    "refused_402": lambda: refusal(402, "Insufficient credits. Please top up to continue."),
    "refused_403": role_denied,
    "refused_409": lambda: refusal(409, "Conflict"),
    "refused_413": lambda: refusal(413, "Payload Too Large"),
    "refused_422": lambda: json_reply({"detail": [{"msg": "value is not valid"}]}, 422),
    "not_found": lambda: refusal(404, "prediction not found"),
    "too_large": lambda: refusal(413, "File too large"),
    "forbidden": lambda: web.Response(status=403, text="Access Denied"),
    "gone": lambda: web.Response(status=410, text="Gone"),
    "expired": lambda: web.Response(status=403, text="Request has expired"),
}


def plain_fault(manner: str, retry_after: int) -> web.Response | None:
    """The reply of a fault that needs nothing but its name; None for one that needs more."""
    if manner == "throttle_retry_after":
        return throttled(retry_after)
    make = _PLAIN.get(manner)
    return make() if make is not None else None


def drop(request: web.Request, *, reset: bool = False) -> web.Response:
    """Break the connection: closed, or reset. The reply returned is for the framework and never leaves."""
    transport = request.transport
    if transport is not None:
        if reset:
            plug = transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            transport.abort()
        else:
            transport.close()
    return web.Response()
