"""Media: the ticket and its PUT, the older multipart form, and the hosted files themselves."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.bodies import BadRequest, parse_object
from orchestrator.sandbox.http.gate import guarded, note_leak
from orchestrator.sandbox.http.replies import drop, refusal, success
from orchestrator.sandbox.media.uploads import TICKET_MS, Media, Ticket
from orchestrator.sandbox.tasks import iso

FILENAME_MAX: Final = 255
PIECE_BYTES: Final = 256 * 1024
_PUT_FAULTS: Final = {
    Fault.PUT_ERROR_500: (500, "InternalError"),
    Fault.PUT_EXPIRED: (403, "Request has expired"),
    Fault.PUT_EXISTS: (412, "PreconditionFailed"),
    Fault.PUT_REFUSED_412: (412, "PreconditionFailed"),
}


class Uploading:
    """Uploads by both ways (docs: upload files), and reading them back without a key."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        world = self._world
        return [
            web.post(
                "/api/v3/media/uploads",
                guarded(world=world, endpoint="upload", operation="upload", handler=self.ticket),
            ),
            web.post(
                "/api/v3/media/upload/binary",
                guarded(world=world, endpoint="upload", operation="upload", handler=self.multipart),
            ),
            web.put("/uploads/{id}", self.put),
            web.get("/media/{id}/{name}", self.read),
        ]

    async def ticket(self, request: web.Request) -> web.Response:
        """Permission to PUT one file of a known size, with exactly the headers given."""
        world = self._world
        try:
            body = parse_object(await request.read())
            filename, size = _described(body)
        except BadRequest as error:
            return error.reply()
        if size > world.config.upload_bytes_max:
            return refusal(413, "File too large")
        kind = body.get("content_type") or "application/octet-stream"
        ticket = Ticket(
            id=world.token(),
            filename=filename,
            size=size,
            content_type=str(kind),
            expires_ms=world.now_ms() + TICKET_MS,
        )
        world.media.tickets[ticket.id] = ticket
        origin = f"http://{request.host}"
        return success(
            {
                "type": ticket.content_type.partition("/")[0],
                "download_url": _url(origin, ticket.id, filename),
                "filename": filename,
                "size": size,
                "upload": {
                    "method": "PUT",
                    "url": f"{origin}/uploads/{ticket.id}",
                    "headers": {"Content-Type": ticket.content_type, "If-None-Match": "*"},
                },
                "expires_at": iso(ticket.expires_ms),
            }
        )

    async def put(self, request: web.Request) -> web.Response:
        """The bytes of a ticket. A key in this request is a leak and is refused, as signed URLs do."""
        world = self._world
        world.requests["put"] += 1
        leaked = note_leak(world, request)
        fault = world.faults.pick("put")
        data = await _body(request.content.iter_chunked(PIECE_BYTES), world.config.upload_bytes_max)
        if fault is Fault.PUT_DROP:
            return drop(request)
        if leaked:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        ticket = world.media.tickets.get(request.match_info["id"])
        refused = _PUT_FAULTS.get(fault) if fault else self._put_problem(request, ticket, data)
        if fault is Fault.PUT_EXISTS and ticket is not None and data is not None:
            await self._host(ticket, data)
        if refused is not None:
            return web.Response(status=refused[0], text=refused[1])
        if ticket is not None and data is not None:
            await self._host(ticket, data)
        return web.Response(status=200)

    def _put_problem(
        self, request: web.Request, ticket: Ticket | None, data: bytes | None
    ) -> tuple[int, str] | None:
        """Status and text of a PUT that does not fit its ticket, or None."""
        world = self._world
        if ticket is None or world.now_ms() >= ticket.expires_ms:
            return 403, "Request has expired"
        if ticket.id in world.media.media:
            return 412, "PreconditionFailed"
        sent = (request.headers.get("Content-Type"), request.headers.get("If-None-Match"))
        if sent != (ticket.content_type, "*"):
            return 403, "SignatureDoesNotMatch"
        if data is None or len(data) != ticket.size:
            return 400, "the body is not as long as the ticket says"
        return None

    async def multipart(self, request: web.Request) -> web.Response:
        """One file in the form field `file`."""
        world = self._world
        if not request.content_type.startswith("multipart/"):
            return refusal(400, "a multipart form is expected")
        part = await (await request.multipart()).next()
        while isinstance(part, BodyPartReader) and part.name != "file":
            part = await (await request.multipart()).next()
        if not isinstance(part, BodyPartReader):
            return refusal(400, "the form field 'file' is missing")
        pieces, size = [], 0
        while piece := await part.read_chunk(PIECE_BYTES):
            size += len(piece)
            if size > world.config.upload_bytes_max:
                return refusal(413, "File too large")
            pieces.append(piece)
        filename = (part.filename or "upload")[:FILENAME_MAX]
        kind = part.headers.get("Content-Type", "application/octet-stream")
        ticket = Ticket(
            id=world.token(),
            filename=filename,
            size=size,
            content_type=kind,
            expires_ms=world.now_ms() + TICKET_MS,
        )
        media = await self._host(ticket, b"".join(pieces))
        return success(
            {
                "type": kind.partition("/")[0],
                "download_url": _url(f"http://{request.host}", media.id, filename),
                "filename": filename,
                "size": media.size,
            }
        )

    async def read(self, request: web.Request) -> web.Response:
        """A hosted file, for anybody; 404 once it has aged out."""
        world = self._world
        world.requests["media"] += 1
        note_leak(world, request)
        media = world.media.find(request.match_info["id"], world.now_ms())
        if media is None:
            return web.Response(status=404, text="not found")
        data = await asyncio.to_thread(world.media.read, media.sha256)
        return web.Response(body=data, headers={"Content-Type": media.content_type})

    async def _host(self, ticket: Ticket, data: bytes) -> Media:
        world = self._world
        expires_ms = world.now_ms() + round(world.config.input_ttl * 1000)
        return await asyncio.to_thread(world.media.host, ticket, data, expires_ms)


def _described(body: dict[str, Any]) -> tuple[str, int]:
    filename, size = body.get("filename"), body.get("size")
    if not isinstance(filename, str) or not 0 < len(filename) <= FILENAME_MAX:
        raise BadRequest("filename is required")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadRequest("size is required, in bytes")
    return filename, size


def _url(origin: str, media_id: str, filename: str) -> str:
    return f"{origin}/media/{media_id}/{quote(filename, safe='')}"


async def _body(pieces: Any, bytes_max: int) -> bytes | None:
    """All of a body, read to its end even when it is too long; then None."""
    kept, size = [], 0
    async for piece in pieces:
        size += len(piece)
        if size <= bytes_max:
            kept.append(piece)
    return b"".join(kept) if size <= bytes_max else None
