"""What is served where. Every route is named exactly; everything else is 404, and another host's name is
421.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from orchestrator.core.addresses import LOOPBACK_HOSTS
from orchestrator.web.receiver import Receiver

BODY_BYTES_MAX: Final = 256 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_site(receiver: Receiver, url: str, is_well: Callable[[], Awaitable[bool]]) -> web.Application:
    """The application behind the public `url`: webhooks at its path, `/health` for whoever watches over
    the process.
    """
    hosts = LOOPBACK_HOSTS | {str(urlsplit(url).hostname)}

    async def health(_request: web.Request) -> web.Response:
        if await is_well():
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "no database"}, status=HTTPStatus.SERVICE_UNAVAILABLE)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        if _host(request) not in hosts:
            response = web.Response(status=HTTPStatus.MISDIRECTED_REQUEST)
        else:
            response = await _answer(request, handler)
        response.force_close()  # one request for each connection, so that a connection's time can be bounded
        return response

    site = web.Application(middlewares=[guard], client_max_size=BODY_BYTES_MAX)
    site.router.add_post(urlsplit(url).path, receiver.receive)
    site.router.add_get("/health", health, allow_head=False)
    return site


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer; what the framework refuses is named by its status alone."""
    try:
        return await handler(request)
    except web.HTTPException as refused:
        return web.Response(status=refused.status)


def _host(request: web.Request) -> str | None:
    """The host that the client believes to talk to. A page that had its name rebound to this machine shows
    itself here.
    """
    try:
        return urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        return None
