"""The pages that are read. None of them changes anything, and each is whole without a script."""

import asyncio
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from orchestrator.core.row_ids import row_id
from orchestrator.pages import rendering
from orchestrator.pages.matrix import Matrix, ShownTry, build, differences
from orchestrator.pages.reasons import Reasons
from orchestrator.pages.sources import sources_of
from orchestrator.pictures.thumbnails import ThumbnailKind
from orchestrator.web.review.answers import page
from orchestrator.web.review.asked import SHOWN, VIEWS, ReviewView
from orchestrator.web.review.links import ServedLinks
from orchestrator.web.review.reading import ReviewReading

ROWS_MAX: Final = 60
COMPARED_MAX: Final = 6
ASSETS: Final = {"style.css": "text/css", "review.js": "text/javascript"}


class Looking:
    """Answers GET."""

    def __init__(self, reading: ReviewReading, links: ServedLinks) -> None:
        self._reading = reading
        self._links = links

    def routes(self) -> list[web.AbstractRouteDef]:
        """Every address."""
        return [
            web.get("/", self.start),
            web.get("/review", self.all_runs),
            web.get(r"/review/runs/{run:\d{1,18}}", self.run),
            web.get(r"/review/rows", self.rows),
            web.get(r"/review/jobs/{job:\d{1,18}}", self.focus),
            web.get("/review/compare", self.compare),
            web.get("/static/{name}", self.asset),
        ]

    async def start(self, _request: web.Request) -> web.StreamResponse:
        """The first page."""
        raise web.HTTPSeeOther("/review")

    async def all_runs(self, request: web.Request) -> web.StreamResponse:
        """Every run; the only one at once."""
        heads = await asyncio.to_thread(self._reading.all_runs)
        if len(heads) == 1 and "all" not in request.query:
            raise web.HTTPSeeOther(f"/review/runs/{heads[0].id}")
        forecasts = await asyncio.to_thread(self._reading.forecasts)
        return page(request, "runs.html.j2", heads=heads, forecasts=forecasts)

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Some products of a run."""
        asked = ReviewView.of(int(request.match_info["run"]), request.query)
        return await asyncio.to_thread(self._run, request, asked)

    def _run(self, request: web.Request, asked: ReviewView) -> web.Response:
        found = self._reading.page(asked)
        if found is None:
            raise web.HTTPNotFound(text="There is no such run.")
        if found.head.is_begun and "show" not in request.query:
            raise web.HTTPSeeOther(asked.url(show="unseen"))
        return page(
            request,
            "review.html.j2",
            asked=asked,
            head=found.head,
            rows=self._rows(found.matrix, found.reasons),
            empty=not found.matrix.rows,
            then=asked.url(after=found.then) if found.then else "",
            views=VIEWS,
            shown=SHOWN,
        )

    async def rows(self, request: web.Request) -> web.StreamResponse:
        """The rows of these products that are no longer as the page has them: `row=JOB.SEAL`, each."""
        known = dict(each.partition(".")[::2] for each in request.query.getall("row", [])[:ROWS_MAX])
        ids = [found for each in known if (found := row_id(each)) is not None]

        def read() -> dict[str, Any]:
            matrix, reasons, count = self._reading.rows(ids)
            rows = self._rows(matrix, reasons)
            changed = [each for each in rows if known.get(str(each["row"])) != each["seal"]]
            return {"rows": changed, "count": count}

        return web.json_response(await asyncio.to_thread(read))

    async def focus(self, request: web.Request) -> web.StreamResponse:
        """One picture, large, with what made it and what was said of it."""
        return await asyncio.to_thread(self._focus, request)

    def _focus(self, request: web.Request) -> web.Response:
        found = self._reading.focus(int(request.match_info["job"]))
        if found is None:
            raise web.HTTPNotFound(text="There is no such job.")
        return page(
            request,
            "focus.html.j2",
            focus=found,
            links=self._links,
            large=ThumbnailKind.LARGE,
            small=ThumbnailKind.SMALL,
            sources=sources_of(found.shown.row),
            compared=_addresses(found.cell.tries),
        )

    async def compare(self, request: web.Request) -> web.StreamResponse:
        """Some pictures beside each other, with what differs in what was asked."""
        asked = request.query.get("jobs", "").split(",")[:COMPARED_MAX]
        ids = [found for each in asked if (found := row_id(each)) is not None]
        return await asyncio.to_thread(self._compare, request, list(dict.fromkeys(ids)))

    def _compare(self, request: web.Request, ids: Sequence[int]) -> web.Response:
        found = self._reading.jobs(ids)
        if not found:
            raise web.HTTPNotFound(text="There are no such jobs.")
        reasons = Reasons()
        tries = [build([row], reasons).rows[0].cells[0].tries[0] for row in found]
        return page(
            request,
            "compare.html.j2",
            tries=tries,
            sources=sources_of(found[0])[:1],
            links=self._links,
            large=ThumbnailKind.LARGE,
            differences=differences(found),
        )

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Our style sheet and our script."""
        name = request.match_info["name"]
        if name not in ASSETS:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=rendering.asset(name), content_type=ASSETS[name], headers=headers)

    def _rows(self, matrix: Matrix, reasons: Reasons) -> list[dict[str, Any]]:
        """Each row by itself, with a seal by which a page tells whether it has changed."""
        found = []
        for row in matrix.rows:
            html = rendering.render(
                "rows.html.j2",
                matrix=Matrix(matrix.axes, matrix.columns, (row,)),
                links=self._links,
                client=False,
                small=ThumbnailKind.SMALL,
                sources_of=sources_of,
                page_of=lambda each: f"/review/jobs/{each.id}",
                reasons=reasons,
                reference=str,
                live=True,
            )
            seal = hashlib.sha256(html.encode()).hexdigest()[:12]
            found.append({"row": row.first.id, "seal": seal, "html": Markup(html)})  # noqa: S704 - rendered
        return found


def _addresses(tries: Sequence[ShownTry]) -> str:
    """Of the page that compares these."""
    ids = [str(each.id) for each in tries if each.pictures][:COMPARED_MAX]
    return f"/review/compare?jobs={','.join(ids)}" if ids else ""
