"""Answers that are pages: whole, or the part of one that a script asked for."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from orchestrator.pages import rendering
from orchestrator.store.account.acts import Signature


@dataclass(frozen=True, slots=True)
class Session:
    """One browser: whose word it gives, and the token of its forms."""

    signed: Signature
    csrf: str


SESSION: Final = web.RequestKey("session", Session)


def page(request: web.Request, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> web.Response:
    """A page for this browser; with `part` in its address only what stands in the middle of it."""
    session = request[SESSION]
    html = rendering.render(
        template, part="part" in request.query, csrf=session.csrf, signed=session.signed, **values
    )
    return web.Response(status=status, text=html, content_type="text/html")


def told(status: HTTPStatus, words: str) -> web.Response:
    """A page with one sentence, for anybody."""
    html = rendering.render("told.html.j2", words=words, part=False, csrf="", signed=None, back="")
    return web.Response(status=status, text=html, content_type="text/html")
