"""The application of the review."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from orchestrator.actions.planning.apply import Pricing
from orchestrator.pages import rendering
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.store.db.database import Database
from orchestrator.web.review.access import ENTER, Access, cookie_name
from orchestrator.web.review.acting import Acting, Move, move_nothing
from orchestrator.web.review.answers import told
from orchestrator.web.review.images import Images
from orchestrator.web.review.links import ServedLinks
from orchestrator.web.review.looking import Looking
from orchestrator.web.review.reading import ReviewReading

BODY_BYTES_MAX: Final = 1024 * 1024


def make_review(
    database: Database,
    root: Path,
    access: Access,
    *,
    pricing: Callable[[], Pricing],
    timezone: str,
    move: Move = move_nothing,
) -> web.Application:
    """For loopback alone. It begins with `access.link()`. `move` gives the pictures of judged jobs the names
    that were decided, as far as they are here.
    """
    shelf = ThumbnailShelf(root)
    site = web.Application(middlewares=[access.guard], client_max_size=BODY_BYTES_MAX)

    async def enter(request: web.Request) -> web.StreamResponse:
        cookie = access.enter(request.query.get("key", ""))
        if cookie is None:
            return told(
                HTTPStatus.FORBIDDEN,
                "This link was used, or is of another start: it works once. Start "
                "`orchestrator review` again, or ask for another link on the page that is open.",
            )
        # A page that goes on, not a redirect: a strict cookie does not come with one that another site began.
        response = web.Response(text=rendering.render("enter.html.j2"), content_type="text/html")
        response.set_cookie(cookie_name(request), cookie, httponly=True, samesite="Strict", path="/")
        return response

    site.router.add_get(ENTER, enter, allow_head=False)
    site.add_routes(Looking(ReviewReading(database, timezone), ServedLinks(root, shelf)).routes())
    site.add_routes(Acting(database, access, pricing=pricing, move=move).routes())
    site.add_routes(Images(database, root, shelf).routes())
    return site
