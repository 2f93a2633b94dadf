"""Webhooks as the provider sends them: signed, repeated until somebody answers 2xx, and lost or spoiled on
demand.

Only addresses of this machine are called; another one is written down as not called. Whether `cancelled`,
`timeout` and `deleted` are reported is not documented, so they are not (docs: how to use webhooks).
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from orchestrator.sandbox.account.bill import Delivery
from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.http.gate import guarded
from orchestrator.sandbox.http.replies import success
from orchestrator.sandbox.media.uploads import is_loopback
from orchestrator.sandbox.tasks import NEVER_MS, Task, view

REPORTED: Final = frozenset({"completed", "failed"})
TRIES: Final = 4  # the first and up to three more
STEP_SECONDS: Final = 0.25  # how often a clock that a test may have moved is read
ANSWER_SECONDS: Final = 10.0


class Webhooks:
    """One promise for each task that was submitted with `?webhook=`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._promises: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        return [
            web.get(
                "/api/v3/webhook/secret",
                guarded(
                    world=self._world, endpoint="webhook_secret", operation="account", handler=self.secret
                ),
            )
        ]

    async def secret(self, _request: web.Request) -> web.Response:
        """What deliveries are signed with (docs: how to use webhooks)."""
        return success({"secret": self._world.config.webhook_secret})

    def promise(self, task: Task, url: str, origin: str) -> None:
        """Report the task to `url` when it ends; the faults of this promise are drawn now, in order of
        submission.
        """
        fault = self._world.faults.pick("webhook")
        if not _is_ours(url):
            self._note(task=task, url=url, answer=None, remark="not a loopback address")
        elif task.finished_ms != NEVER_MS and task.fate.status in REPORTED:
            promise = asyncio.get_running_loop().create_task(
                self._keep(task=task, url=url, origin=origin, fault=fault)
            )
            self._promises.add(promise)
            promise.add_done_callback(self._promises.discard)

    async def aclose(self) -> None:
        """Keep no more promises."""
        for promise in self._promises:
            promise.cancel()
        await asyncio.gather(*self._promises, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _keep(self, task: Task, url: str, origin: str, fault: Fault | None) -> None:
        config = self._world.config
        late = config.webhook_late if fault is Fault.WEBHOOK_LATE else 0.0
        await self._until(task.finished_ms + round(late * 1000))
        if fault is Fault.WEBHOOK_LOST or task.deleted_ms is not None:
            self._note(task=task, url=url, answer=None, remark="lost" if fault else "deleted")
            return
        body = json.dumps(view(task, self._world.now_ms(), origin) | {"input": task.inputs}).encode()
        wait = config.webhook_retry
        for number in range(TRIES):
            tampered = fault is Fault.WEBHOOK_TAMPERED and number == 0
            answer = await self._deliver(task, url, body, tampered=tampered)
            if answer is not None and 200 <= answer < 300:  # noqa: PLR2004 - success
                break
            await self._world.clock.sleep(wait)
            wait *= 2
        if fault is Fault.WEBHOOK_DUPLICATE:
            await self._deliver(task, url, body)

    async def _until(self, at_ms: int) -> None:
        while (left_ms := at_ms - self._world.now_ms()) > 0:
            await self._world.clock.sleep(min(left_ms / 1000, STEP_SECONDS))

    async def _deliver(self, task: Task, url: str, body: bytes, *, tampered: bool = False) -> int | None:
        """One POST; its status, or None when nobody answered."""
        headers = self._signed(task.id, body)
        sent = body.replace(b'"status"', b'"stAtus"') if tampered else body
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        answer: int | None = None
        try:
            async with self._session.post(url, data=sent, headers=headers, allow_redirects=False) as response:
                answer = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            answer = None
        self._note(task=task, url=url, answer=answer, remark="tampered" if tampered else "")
        return answer

    def _signed(self, webhook_id: str, body: bytes) -> Mapping[str, str]:
        """Headers with the signature over id, time and body (docs: how to use webhooks)."""
        timestamp = str(self._world.now_ms() // 1000)
        key = self._world.config.webhook_secret.removeprefix("whsec_").encode()
        digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v3,{digest}",
        }

    def _note(self, task: Task, url: str, answer: int | None, remark: str) -> None:
        self._world.deliveries.append(
            Delivery(at_ms=self._world.now_ms(), task_id=task.id, url=url, answer=answer, remark=remark)
        )


def _is_ours(url: Any) -> bool:
    """Whether a URL leads to this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")
    except ValueError:
        return False
