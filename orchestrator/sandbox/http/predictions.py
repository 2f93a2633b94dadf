"""GET /predictions/{id}[/result], POST /predictions (the list) and POST /predictions/delete."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from aiohttp import web

from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.http.bodies import BadRequest, moment_ms, paging, parse_object
from orchestrator.sandbox.http.gate import guarded
from orchestrator.sandbox.http.replies import refusal, success
from orchestrator.sandbox.tasks import TERMINAL, Task, iso, view

LISTED_STATUSES: Final = TERMINAL | {"created", "processing"}


class Predictions:
    """Reading and deleting tasks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """What it serves; both result paths answer alike."""
        world = self._world
        result = guarded(world=world, endpoint="result", operation="result", handler=self.result)
        return [
            web.get("/api/v3/predictions/{id}/result", result),
            web.get("/api/v3/predictions/{id}", result),
            web.post(
                "/api/v3/predictions",
                guarded(world=world, endpoint="list", operation="list", handler=self.list),
            ),
            web.post(
                "/api/v3/predictions/delete",
                guarded(world=world, endpoint="delete", operation="delete", handler=self.delete),
            ),
        ]

    async def result(self, request: web.Request) -> web.Response:
        """A task as it is now, 200 even when it failed (docs: errors, retries, timeouts); 404 for an
        unknown one.
        """
        world = self._world
        now_ms = world.now_ms()
        task = world.find(request.match_info["id"], now_ms)
        if task is None:
            return refusal(404, "prediction not found")
        world.refresh_url(task, now_ms)
        if task.seen_ms is None and now_ms >= task.finished_ms:
            task.seen_ms = now_ms
        return success(view(task, now_ms, f"http://{request.host}"))

    async def list(self, request: web.Request) -> web.Response:
        """A page of tasks, newest first, of the last 7 days (docs: predictions API)."""
        world = self._world
        now_ms = world.now_ms()
        try:
            body = parse_object(await request.read())
            page, size = paging(body)
            chosen = filter(_filter(body, now_ms), world.newest_first(now_ms))
        except BadRequest as error:
            return error.reply()
        origin = f"http://{request.host}"
        show_inputs = world.config.list_inputs and body.get("include_inputs") is True
        first = (page - 1) * size
        if world.config.list_total:
            everything = list(chosen)
            total, wanted = {"total": len(everything)}, everything[first : first + size]
        else:
            total, wanted = {}, list(islice(chosen, first, first + size))
        items = [_item(task, now_ms, origin, show_inputs=show_inputs) for task in wanted]
        if page == 1:
            items += [_other(number, now_ms) for number in range(world.config.list_others)]
        return success({"page": page, "items": items, **total})

    async def delete(self, request: web.Request) -> web.Response:
        """Forget tasks; one that runs keeps answering, as `deleted` (docs: delete task). Nothing is
        refunded.
        """
        world = self._world
        now_ms = world.now_ms()
        try:
            ids = parse_object(await request.read()).get("ids")
        except BadRequest as error:
            return error.reply()
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            return refusal(400, "ids is required, an array of prediction ids")
        found = [task for each in dict.fromkeys(ids) if (task := world.find(each, now_ms)) is not None]
        for task in found:
            if task.deleted_ms is None:
                task.deleted_ms = now_ms
        return success({"deleted_count": len(found)})


def _other(number: int, now_ms: int) -> dict[str, Any]:
    """A request of another service of the account, as a list that holds both may show it."""
    return {
        "id": f"llm/chat:{number + 1}",
        "model": "llm/chat",
        "status": "completed",
        "outputs": [],
        "created_at": iso(now_ms),
    }


def _filter(body: dict[str, Any], now_ms: int) -> Callable[[Task], bool]:
    """Whether a task meets the filters of a list request; a status nobody knows is a 400."""
    model, status = body.get("model"), body.get("status")
    after, before = moment_ms(body, "created_after"), moment_ms(body, "created_before")
    if status and status not in LISTED_STATUSES:
        raise BadRequest(f"unknown status: {status}")

    def meets(task: Task) -> bool:
        return (
            (after is None or task.created_ms >= after)
            and (before is None or task.created_ms <= before)
            and (not model or task.model == model)
            and (not status or task.status(now_ms) == status)
        )

    return meets


def _item(task: Task, now_ms: int, origin: str, *, show_inputs: bool) -> dict[str, Any]:
    item = view(task, now_ms, origin)
    if show_inputs:
        item["inputs"] = task.inputs
    return item
