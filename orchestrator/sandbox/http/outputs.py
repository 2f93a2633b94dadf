"""GET /outputs/...: the pictures, for anybody who has the URL."""

from typing import Final

from aiohttp import web

from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.broken_downloads import instead_of_picture, spoiled_picture
from orchestrator.sandbox.http.gate import note_leak
from orchestrator.sandbox.http.replies import picture_reply
from orchestrator.sandbox.tasks import Task

DIGITS_MAX: Final = 9


class Outputs:
    """The output host."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """What it serves, and where a redirect loop goes round."""
        return [
            web.get(r"/outputs/{id}/v{version:\d+}/{name}", self.download),
            web.get("/loop/{rest:.*}", _loop_forever),
        ]

    async def download(self, request: web.Request) -> web.StreamResponse:
        """One output. No key is needed; one that is sent is noted as a leak and otherwise ignored."""
        world = self._world
        world.requests["download"] += 1
        note_leak(world, request)
        fault = world.faults.pick("download")
        now_ms = world.now_ms()
        task = world.find(request.match_info["id"], now_ms)
        version = int(request.match_info["version"][:DIGITS_MAX])
        index = _index(request.match_info["name"], task)
        if task is None or index is None or task.status(now_ms) != "completed":
            return self._missing()
        if fault is Fault.DOWNLOAD_EXPIRED:
            task.dead_url_version = max(task.dead_url_version, min(version, task.url_version))
        if world.url_dead(task, version, now_ms):
            return self._missing()
        replaced = fault and await instead_of_picture(
            world=world, request=request, fault=fault, ending=task.extension
        )
        if replaced:
            return replaced
        data = await world.gallery.picture(task, index, world.config)
        if fault is not None:
            return await spoiled_picture(
                world=world, request=request, fault=fault, data=data, ending=task.extension
            )
        return picture_reply(data, task.extension)

    def _missing(self) -> web.Response:
        return web.Response(status=self._world.config.output_expired_status, text="Not Found")


async def _loop_forever(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.path})


def _index(name: str, task: Task | None) -> int | None:
    """The output that a file name such as `0.png` means, or None when the task has no such output."""
    stem, _, ending = name.partition(".")
    if task is None or ending != task.extension or not stem.isdecimal() or len(stem) > DIGITS_MAX:
        return None
    return int(stem) if int(stem) < task.fate.outputs else None
