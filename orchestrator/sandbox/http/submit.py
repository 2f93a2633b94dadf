"""POST /api/v3/{model}: the one request that costs money."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from orchestrator.sandbox.account.bill import Post
from orchestrator.sandbox.account.refusals import Refusal
from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.bodies import BadRequest, parse_object
from orchestrator.sandbox.http.gate import refused_key
from orchestrator.sandbox.http.replies import (
    drop,
    halved,
    json_reply,
    plain_fault,
    raw_json_reply,
    refusal,
    success,
    throttled,
)
from orchestrator.sandbox.http.webhooks import Webhooks
from orchestrator.sandbox.media.references import Unfetchable, resolve
from orchestrator.sandbox.models import MODELS, Model, check_inputs
from orchestrator.sandbox.tasks import TERMINAL, Reference, Task, created_view, view

AFTER = frozenset(
    {
        Fault.SUBMIT_DROP_AFTER,
        Fault.SUBMIT_DROP_MID_REPLY,
        Fault.SUBMIT_ERROR_500_AFTER,
        Fault.SUBMIT_ERROR_502_AFTER,
        Fault.SUBMIT_ERROR_503_AFTER,
        Fault.SUBMIT_HTML_504_AFTER,
        Fault.SUBMIT_HTML_200,
        Fault.SUBMIT_EMPTY_200,
        Fault.SUBMIT_NO_ID,
        Fault.SUBMIT_NULL_DATA,
        Fault.SUBMIT_WRONG_ID_TYPE,
        Fault.SUBMIT_PATH_ID,
        Fault.SUBMIT_TRUNCATED_JSON,
        Fault.SUBMIT_DEEP_JSON,
        Fault.SUBMIT_HUGE_NUMBER,
        Fault.SUBMIT_SLOW,
    }
)
"""Faults under which the task exists and is billed."""


class Submitting:
    """The submit endpoint."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self._world = world
        self._webhooks = webhooks

    def routes(self) -> list[web.RouteDef]:
        """What it serves; the pattern takes every POST that no other endpoint does."""
        return [web.post("/api/v3/{model:.+}", self.submit)]

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """Decide, create, write it all down, and only then answer, if a fault lets the answer through."""
        world = self._world
        data = await request.read()
        now_ms = world.now_ms()
        world.requests["submit"] += 1
        world.posts_window.add(now_ms)
        model_id = request.match_info["model"]
        fault: Fault | None = None
        outcome: Task | web.Response | None = refused_key(world, request)
        if outcome is None:
            fault = world.faults.pick("submit")
            if fault is None or fault in AFTER:
                outcome = await self._decide(model_id, data)
        task = outcome if isinstance(outcome, Task) else None
        if task is not None and (url := request.query.get("webhook")):
            self._webhooks.promise(task, url, f"http://{request.host}")
        reply = _reply_word(outcome, fault)
        world.note_post(
            Post(
                at_ms=now_ms,
                model=model_id,
                body_sha256=sha256(data).hexdigest(),
                reply=reply,
                task_id=task.id if task else None,
            )
        )
        if isinstance(outcome, web.Response):
            return outcome
        return await self._answer(request, task, fault)

    async def _decide(self, model_id: str, data: bytes) -> Task | web.Response:
        """A new task, or the refusal."""
        world, config = self._world, self._world.config
        model = MODELS.get(model_id)
        if model is None:
            return refusal(404, f"model {model_id} not found")
        try:
            body = parse_object(data)
        except BadRequest as error:
            return error.reply()
        checked = check_inputs(model, body, strict=config.strict_inputs)
        if checked.problem:
            return refusal(400, checked.problem)
        unfetchable = None
        references: tuple[Reference, ...] = ()
        try:
            references = await resolve(
                checked.inputs["images"], world.media, now_ms=world.now_ms(), foreign=config.foreign_images
            )
        except Unfetchable as error:
            unfetchable = str(error)
        admitted = world.admit(
            model=model,
            checked=checked,
            references=references,
            unfetchable=unfetchable,
            now_ms=world.now_ms(),
        )
        return (
            admitted
            if isinstance(admitted, Task)
            else _refusal_reply(admitted, model, config.limit_retry_after)
        )

    async def _answer(
        self, request: web.Request, task: Task | None, fault: Fault | None
    ) -> web.StreamResponse:
        origin = f"http://{request.host}"
        if fault is not None:
            plain = plain_fault(fault.manner, self._world.config.retry_after)
            if plain is not None:
                return plain
            if fault.manner.startswith("redirect_"):
                return _redirect(request, fault)
        if task is None:
            assert fault is Fault.SUBMIT_DROP_BEFORE, fault
            return drop(request, reset=True)
        if fault is not None and fault is not Fault.SUBMIT_SLOW:
            return await _garbled(request, task, fault)
        if fault is Fault.SUBMIT_SLOW:
            await self._world.clock.sleep(self._world.config.slow_seconds)
        if task.inputs.get("enable_sync_mode"):
            return await self._synchronous(task, origin)
        return success(created_view(task, origin))

    async def _synchronous(self, task: Task, origin: str) -> web.Response:
        """Hold the reply until the task ends, or until the sync timeout (docs: sync mode)."""
        world = self._world
        left_ms = task.finished_ms - world.now_ms()
        await world.clock.sleep(max(min(left_ms / 1000, world.config.sync_timeout), 0.0))
        now_ms = max(world.now_ms(), task.finished_ms if left_ms <= world.config.sync_timeout * 1000 else 0)
        data = view(task, now_ms, origin)
        if data["status"] not in TERMINAL:
            seconds = f"{world.config.sync_timeout:g}"
            data |= {
                "status": "processing",
                "code": 5004,
                "error": f"Sync mode timed out after {seconds} seconds. "
                "The prediction is still processing asynchronously.",
            }
        return success(data)


def _reply_word(outcome: Task | web.Response | None, fault: Fault | None) -> str:
    if isinstance(outcome, web.Response):
        return str(outcome.status)
    return str(fault) if fault is not None else "accepted"


def _refusal_reply(refused: Refusal, model: Model, retry_after: int | None) -> web.Response:
    if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
        return throttled(retry_after, refused.message)
    if refused.failed_data:
        data = {"model": model.id, "status": "failed", "error": refused.message, "outputs": []}
        return json_reply({"code": refused.status, "message": refused.message, "data": data}, refused.status)
    return refusal(refused.status, refused.message, refused.code)


def _redirect(request: web.Request, fault: Fault) -> web.Response:
    """A redirect to the same endpoint: a client that follows it with its POST creates a task there."""
    status = int(fault.manner.removeprefix("redirect_"))
    return web.Response(status=status, headers={"Location": f"{request.path}?redirected=1"})


async def _garbled(request: web.Request, task: Task, fault: Fault) -> web.StreamResponse:
    """The reply of an accepted task, spoiled on the way."""
    good = success(created_view(task, f"http://{request.host}"))
    if fault is Fault.SUBMIT_DROP_AFTER:
        return drop(request)
    if fault is Fault.SUBMIT_DROP_MID_REPLY:
        return await _half_sent(request, good)
    if fault is Fault.SUBMIT_TRUNCATED_JSON:
        return halved(good)
    return _UNREADABLE[fault](task)


def _but(task: Task, changed: Mapping[str, Any]) -> dict[str, Any]:
    """The good reply's data with another id, or without one; the URL gives nothing away."""
    data = {"model": task.model, "status": "created", "outputs": [], "urls": {"get": ""}, "error": ""}
    return data | dict(changed)


_UNREADABLE: Final[Mapping[Fault, Callable[[Task], web.Response]]] = {
    Fault.SUBMIT_NULL_DATA: lambda _task: success(None),
    Fault.SUBMIT_NO_ID: lambda task: success(_but(task, {})),
    Fault.SUBMIT_WRONG_ID_TYPE: lambda task: success(_but(task, {"id": 12345})),
    Fault.SUBMIT_PATH_ID: lambda task: success(_but(task, {"id": "../../balance?x="})),
    Fault.SUBMIT_DEEP_JSON: lambda _task: raw_json_reply(
        '{"code":200,"data":' + "[" * 100_000 + "]" * 100_000 + "}"
    ),
    Fault.SUBMIT_HUGE_NUMBER: lambda _task: raw_json_reply(
        '{"code":200,"data":{"id":"x","executionTime":' + "9" * 5_000 + "}}"
    ),
}


async def _half_sent(request: web.Request, good: web.Response) -> web.StreamResponse:
    body = good.body if isinstance(good.body, bytes) else b""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(body[: len(body) // 2])
    drop(request)
    return response
