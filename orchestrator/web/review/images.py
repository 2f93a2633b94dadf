"""Pictures over HTTP: by job and content digest, pictures alone, and of a flagged one its blurred likeness
alone.
"""

import asyncio
import hashlib
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from orchestrator.pages.matrix import is_flagged
from orchestrator.pages.sources import sources_of
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.pictures.thumbnails import SHARP, ThumbnailKind
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs import products
from orchestrator.store.views.jobs.job_outputs import OutputRow, outputs_of

FOR_EVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
MEDIA_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
AT_ONCE: Final = 4
"""So many small pictures are made at one time; the others wait, and pages are not held up."""


class Images:
    """Reads pictures for browsers."""

    def __init__(self, database: Database, root: Path, shelf: ThumbnailShelf) -> None:
        self._database = database
        self._root = root
        self._shelf = shelf
        self._room = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[web.AbstractRouteDef]:
        """Every address of a picture."""
        small = r"{sha256:[0-9a-f]{64}}-{kind:256|768|blurred}.webp"
        return [
            web.get(r"/pictures/{job:\d{1,18}}/" + small, self.small),
            web.get(r"/pictures/{job:\d{1,18}}/{sha256:[0-9a-f]{64}}", self.full),
            web.get(r"/sources/{job:\d{1,18}}/" + small, self.source),
        ]

    async def small(self, request: web.Request) -> web.Response:
        """A small picture of an output."""
        sha256, kind = request.match_info["sha256"], ThumbnailKind(request.match_info["kind"])
        job_id = int(request.match_info["job"])

        def make() -> bytes:
            output = self._output(job_id, sha256)
            if output is None or (kind in SHARP and is_flagged(output)):
                return b""
            return self._shelf.get(sha256, self._root / str(output.path), kind).webp

        return await self._webp(make)

    async def source(self, request: web.Request) -> web.Response:
        """A small picture of a source of this job."""
        sha256, kind = request.match_info["sha256"], ThumbnailKind(request.match_info["kind"])
        job_id = int(request.match_info["job"])

        def make() -> bytes:
            with self._database.read() as tx:
                found = [each for row in products.tries(tx, [job_id]) for each in sources_of(row)]
            path = next((each.path for each in found if each.sha256 == sha256), None)
            return b"" if path is None else self._shelf.get(sha256, self._root / path, kind).webp

        return await self._webp(make)

    async def full(self, request: web.Request) -> web.Response:
        """The picture itself, if it is still what was stored; never a flagged one."""
        sha256, job_id = request.match_info["sha256"], int(request.match_info["job"])

        def read() -> tuple[bytes, str]:
            output = self._output(job_id, sha256)
            if output is None or is_flagged(output) or output.media_type not in MEDIA_TYPES:
                return b"", ""
            try:
                content = (self._root / str(output.path)).read_bytes()
            except OSError:
                return b"", ""
            is_it = hashlib.sha256(content).hexdigest() == sha256
            return (content, str(output.media_type)) if is_it else (b"", "")

        content, media_type = await asyncio.to_thread(read)
        if not content:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(body=content, content_type=media_type, headers=FOR_EVER)

    def _output(self, job_id: int, sha256: str) -> OutputRow | None:
        with self._database.read() as tx:
            found = outputs_of(tx, [job_id]).get(job_id, [])
        return next((each for each in found if each.sha256 == sha256 and each.path is not None), None)

    async def _webp(self, make: Callable[[], bytes]) -> web.Response:
        async with self._room:
            webp = await asyncio.to_thread(make)
        if not webp:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(body=webp, content_type="image/webp", headers=FOR_EVER)
