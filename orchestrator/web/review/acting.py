"""The forms: verdicts, and further tries. Each calls the action that the command of its name calls, and works
with a script and without one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from orchestrator.actions.choosing import verdicts
from orchestrator.actions.choosing.redo import Redone, redo
from orchestrator.actions.operator.approve import approve
from orchestrator.actions.operator.change_jobs import drop_waiting
from orchestrator.actions.planning.apply import Pricing
from orchestrator.core.errors import OrchestratorError, UsageError
from orchestrator.core.row_ids import row_id
from orchestrator.core.verdicts import JobVerdict, VerdictSource
from orchestrator.store.choosing.verdicts import GivenVerdict, JudgedJob
from orchestrator.store.db.database import Database
from orchestrator.web.review.access import Access
from orchestrator.web.review.answers import SESSION, page
from orchestrator.web.review.forms import ReviewForm
from orchestrator.web.review.tellings import approved_words, redone_words, verdict_words

NOTE_MAX: Final = 1_000
WORDS: Final = {
    "accept": JobVerdict.ACCEPTED,
    "reject": JobVerdict.REJECTED,
    "clear": JobVerdict.NONE,
    "": None,
}
"""What the buttons say."""


Move = Callable[[Sequence[int]], object]


def move_nothing(_job_ids: Sequence[int]) -> None:
    """Workers move the files."""


class Acting:
    """Answers POST."""

    def __init__(
        self, database: Database, access: Access, *, pricing: Callable[[], Pricing], move: Move
    ) -> None:
        """`pricing` makes what knows, or asks for, the present price of another try; `move` moves the files
        of judged jobs, and blocks.
        """
        self._move = move
        self._database = database
        self._access = access
        self._pricing = pricing

    def routes(self) -> list[web.AbstractRouteDef]:
        """Every form, and the page of the one that has a price."""
        return [
            web.post("/review/verdict", self.verdict),
            web.get(r"/review/jobs/{job:\d{1,18}}/redo", self.priced),
            web.post("/review/price", self.price),
            web.post("/review/redo", self.redo),
            web.post("/review/drop", self.drop),
            web.post("/review/approve", self.approve),
            web.post("/review/link", self.link),
        ]

    async def verdict(self, request: web.Request) -> web.StreamResponse:
        """Accept, reject, clear, stars, a note."""
        form = ReviewForm(await request.post())

        def act() -> tuple[str, list[dict[str, Any]]]:
            word = form.text("word", 20)
            if word not in WORDS:
                raise UsageError(f"{word!r} is no verdict: accept, reject or clear. Nothing was changed.")
            note = form.text("note", NOTE_MAX) if "note" in form.fields else None
            if WORDS[word] is None and note is None and form.stars() is None:
                raise UsageError("The form says nothing of the pictures. Nothing was changed.")
            given = verdicts.give(
                self._database,
                form.ids(),
                WORDS[word],
                signed=request[SESSION].signed,
                stars=form.stars(),
                note=note,
                source=VerdictSource.PAGE,
            )
            with suppress(OrchestratorError, OSError):  # the verdict stands; a worker moves them later
                self._move([each.job_id for each in given.changed])
            words = verdict_words(given, seen=form.text("seen", 40))
            return words, [_judged(each) for each in given.judged]

        return await self._acted(request, form, act)

    async def priced(self, request: web.Request) -> web.StreamResponse:
        """The form of another try, with what it would cost. Spends nothing."""
        return await self._price(request, int(request.match_info["job"]), {})

    async def price(self, request: web.Request) -> web.StreamResponse:
        """The same, with other words or values."""
        form = ReviewForm(await request.post())
        try:
            return await self._price(request, form.ids()[0], _changes(form))
        except UsageError as error:
            return page(
                request, "told.html.j2", status=HTTPStatus.BAD_REQUEST, words=str(error), back=form.back()
            )

    async def redo(self, request: web.Request) -> web.StreamResponse:
        """Ask for another try: a waiting job, which `run` and `work` make under the caps."""
        form = ReviewForm(await request.post())

        def act() -> tuple[str, list[dict[str, Any]]]:
            ids = form.ids()
            note = form.text("note", NOTE_MAX) or None
            signed = request[SESSION].signed
            done = redo(
                self._database,
                ids,
                signed=signed if note is None else replace(signed, why=note),
                changes=_changes(form),
                pricing=self._pricing(),
                request=form.text("request", 64) or None,
            )
            return redone_words(done), [{"job": each.of, "made": each.job_id} for each in done.tries]

        return await self._acted(request, form, act)

    async def drop(self, request: web.Request) -> web.StreamResponse:
        """Take back another try that still waits."""
        form = ReviewForm(await request.post())

        def act() -> tuple[str, list[dict[str, Any]]]:
            dropped = drop_waiting(self._database, form.ids(), request[SESSION].signed)
            if not dropped:
                return "It is being made already, and stays.", []
            return "The other try is cancelled. Nothing was spent.", []

        return await self._acted(request, form, act)

    async def approve(self, request: web.Request) -> web.StreamResponse:
        """Let a run go on after its canary. Spends nothing by itself."""
        form = ReviewForm(await request.post())

        def act() -> tuple[str, list[dict[str, Any]]]:
            run_id = row_id(form.text("run", 20))
            if run_id is None:
                raise UsageError("The form names no run. Nothing was changed.")
            return approved_words(approve(self._database, run_id, request[SESSION].signed)), []

        return await self._acted(request, form, act)

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Another link, for another browser or another person."""
        form = ReviewForm(await request.post())
        path = self._access.link(form.text("name", 200))
        words = f"This link works once, on this machine: http://{request.headers['Host']}{path}"
        return page(request, "told.html.j2", words=words, back="/review")

    async def _price(
        self, request: web.Request, job_id: int, changes: Mapping[str, str]
    ) -> web.StreamResponse:
        def ask() -> Redone:
            signed = request[SESSION].signed
            pricing = self._pricing()
            return redo(
                self._database, [job_id], signed=signed, changes=changes, pricing=pricing, dry_run=True
            )

        try:
            asked, problem = await asyncio.to_thread(ask), ""
        except OrchestratorError as error:
            asked, problem = Redone(), str(error)
        return page(
            request,
            "redo.html.j2",
            job=job_id,
            asked=asked,
            problem=problem,
            changes=changes,
            request_word=self._access.word(),
        )

    async def _acted(
        self, request: web.Request, form: ReviewForm, act: Callable[[], tuple[str, list[dict[str, Any]]]]
    ) -> web.StreamResponse:
        """The answer for a script, or the page to go on with."""
        try:
            words, jobs = await asyncio.to_thread(act)
            status = HTTPStatus.OK
        except OrchestratorError as error:
            words, jobs, status = str(error), [], HTTPStatus.BAD_REQUEST
        if "application/json" in request.headers.get("Accept", ""):
            return web.json_response({"words": words, "jobs": jobs}, status=status)
        if status is HTTPStatus.OK and not words:
            raise web.HTTPSeeOther(form.back())
        return page(request, "told.html.j2", status=status, words=words, back=form.back())


def _changes(form: ReviewForm) -> dict[str, str]:
    """What is to be different; an empty field is as before."""
    found = {name: form.text(name, 100_000) for name in ("prompt", "resolution")}
    return {
        name: value for name, value in found.items() if value and value != form.text(f"old_{name}", 100_000)
    }


def _judged(item: JudgedJob) -> dict[str, Any]:
    return {"job": item.named, "before": _said(item.before), "after": _said(item.after)}


def _said(given: GivenVerdict | None) -> dict[str, Any]:
    if given is None:
        return {"verdict": "none", "stars": 0, "note": "", "who": ""}
    opinion = given.opinion
    return {
        "verdict": str(opinion.verdict or "none"),
        "stars": opinion.stars or 0,
        "note": opinion.note or "",
        "who": given.who,
    }
