"""Who may look: whoever opened a one-time link, from a page of this server alone.

| ReviewView | Answer |
|---|---|
| by another host's name (a name that was rebound to this machine) | 421 |
| without the cookie that a link gives | 403, and how to get one |
| a link that was used | 403 |
| a form from another site, or without its token | 403 |
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from aiohttp import web

from orchestrator.core.addresses import LOOPBACK_HOSTS
from orchestrator.core.errors import OrchestratorError
from orchestrator.ports import Entropy
from orchestrator.store.account.acts import Signature
from orchestrator.web.review.answers import SESSION, Session, told

ENTER: Final = "/enter"
SESSIONS_MAX: Final = 100
NAME_MAX: Final = 60
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
"""On every answer."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access:
    """The links that were given out, and the browsers that came in by them. In memory: they end with the
    server.
    """

    def __init__(self, entropy: Entropy, signed: Signature) -> None:
        """`signed` is the person who runs the server."""
        self._entropy = entropy
        self._signed = signed
        self._links: dict[str, Signature] = {}
        self._sessions: dict[str, Session] = {}

    def link(self, name: str = "") -> str:
        """The path of a new link, for one browser; what is said there is `name`'s word."""
        key = self._entropy.token() + self._entropy.token()
        clean = " ".join(name.split())[:NAME_MAX]
        self._links[key] = replace(self._signed, who=clean) if clean else self._signed
        return f"{ENTER}?key={key}"

    def word(self) -> str:
        """A word that no other form has."""
        return self._entropy.token()

    def enter(self, key: str) -> str | None:
        """The cookie of a new session; None for a link that is unknown or used."""
        signed = self._links.pop(key, None)
        if signed is None:
            return None
        while len(self._sessions) >= SESSIONS_MAX:
            self._sessions.pop(next(iter(self._sessions)))
        cookie = self._entropy.token() + self._entropy.token()
        self._sessions[cookie] = Session(signed, self._entropy.token())
        return cookie

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Before anything is routed: host, session, and whose form it is."""
        response = await self._answer(request, handler)
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Host", "") not in _hosts(request):
            return web.Response(status=HTTPStatus.MISDIRECTED_REQUEST)
        if request.path != ENTER:
            session = self._sessions.get(request.cookies.get(cookie_name(request), ""))
            if session is None:
                return told(
                    HTTPStatus.FORBIDDEN, "This page needs the link that `orchestrator review` printed."
                )
            request[SESSION] = session
        return await _handled(request, handler)


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or a page that says why there is none."""
    try:
        if request.method not in {"GET", "HEAD"} and (why := await _foreign(request)):
            return told(HTTPStatus.FORBIDDEN, why)
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return told(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too long. Nothing was changed.")
    except web.HTTPNotFound as error:
        words = error.text or ""
        return told(HTTPStatus.NOT_FOUND, words if words.startswith("There") else "There is no such page.")
    except web.HTTPException as error:
        there = error.headers.get("Location")
        return web.Response(status=error.status, headers={"Location": there} if there else None)
    except OrchestratorError as error:
        return told(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


def cookie_name(request: web.Request) -> str:
    """Of this port: cookies do not tell ports of one host apart."""
    return f"orchestrator_review_{_port(request)}"


def _port(request: web.Request) -> int:
    found = request.transport.get_extra_info("sockname") if request.transport else None
    return int(found[1]) if found else 0


def _hosts(request: web.Request) -> set[str]:
    port = _port(request)
    return {f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in LOOPBACK_HOSTS}


async def _foreign(request: web.Request) -> str:
    """Why a form is not taken; empty for one of ours."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.headers['Host']}":
        return "A form of another site is not taken. Nothing was changed."
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return "A form of another site is not taken. Nothing was changed."
    try:
        token = request.headers.get("X-CSRF") or str((await request.post()).get("csrf", ""))
    except ValueError:
        token = ""
    session = request.get(SESSION)
    if session is None or token.encode() != session.csrf.encode():
        return "This form is not of this session: load the page again. Nothing was changed."
    return ""
