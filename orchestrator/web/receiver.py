"""Receives webhooks: verifies, records as evidence, and only then answers 200.

| Delivery | Answer | Written |
|---|---|---|
| signed, for an attempt of ours | 200 | a receipt, once; nothing when it is known already |
| signed, with a token of no attempt | 200 | an event |
| signed, and no prediction | 400 | an event |
| not signed, or not just now | 401 | an event |
| the database cannot be written | 503 | nothing |

A token that is unknown stays unknown, since every token is committed before it is sent: another answer than
200 would only make the provider repeat a delivery that can never be placed, and then take it for undelivered.
"""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web

from orchestrator.core import webhooks
from orchestrator.core.errors import DatabaseError
from orchestrator.core.webhooks import Refusal
from orchestrator.ports import Clock
from orchestrator.store.db.group_commit import Writer
from orchestrator.store.doubts import webhook_reports
from orchestrator.store.doubts.webhook_reports import Delivery, ReportOutcome
from orchestrator.web.refusals import Refusals

READ_SECONDS: Final = 10.0


class Receiver:
    """The provider's side door."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        secrets: Sequence[str],
        *,
        in_place: Callable[[], bool] = lambda: True,
    ) -> None:
        """`in_place` says whether what is written can still be found by others."""
        self._in_place = in_place
        self._writer = writer
        self._clock = clock
        self._secrets = tuple(secrets)
        self._refusals = Refusals(writer, clock)

    async def receive(self, request: web.Request) -> web.Response:
        """One delivery. Nothing of the body is read before its signature has been verified."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        now_seconds = self._clock.now_ms() / 1000
        refused = webhooks.refusal(request.headers.items(), body, self._secrets, now_seconds=now_seconds)
        if refused is not None:
            await self._refusals.note(refused)
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        report = webhooks.read_report(body)
        if report is None:
            await self._refusals.note(Refusal.CONTENT)
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        tokens = request.query.getall(webhooks.TOKEN, [])
        return await self._record(tokens[0] if len(tokens) == 1 else "", report)

    async def _record(self, token: str, report: webhooks.WebhookReport) -> web.Response:
        """Durable before the answer; the provider repeats what is not answered with 200."""
        delivery = Delivery(token, report.prediction_id, report.status)
        if not self._in_place():
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            taken = await self._writer.submit(webhook_reports.record_report, delivery)
        except DatabaseError:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        if taken is ReportOutcome.STRANGER:
            await self._refusals.note(Refusal.STRANGER)
        return web.json_response({"status": "ok"})
