"""Notices over HTTP: a signed webhook for programs, and Slack's incoming webhook for people."""

import json
from collections.abc import Callable
from typing import Final

import httpx

from orchestrator.core.notices import signature
from orchestrator.ports import Letter
from orchestrator.runtime.http_transport import USER_AGENT, make_transport, timeouts
from orchestrator.runtime.network import Network
from orchestrator.runtime.transport_errors import NOTHING_SENT

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
ANSWER_MAX: Final = 200


class _HttpMessenger:
    """Posts JSON to one URL. Redirects are not followed: they could lead a signed message elsewhere."""

    def __init__(self, url: str, network: Network) -> None:
        self._url = url
        self._transport = make_transport(2, network)

    async def _post(self, body: bytes, headers: dict[str, str]) -> str | None:
        request = httpx.Request(
            "POST",
            self._url,
            content=body,
            headers={"Content-Type": "application/json", "User-Agent": USER_AGENT, **headers},
            extensions={"timeout": timeouts(CONNECT_SECONDS, READ_SECONDS)},
        )
        try:
            response = await self._transport.handle_async_request(request)
        except NOTHING_SENT as error:
            return f"not reached: {error}"
        except httpx.TransportError as error:
            return f"no answer: {error}"
        try:
            if response.is_success:
                return None
            return f"HTTP {response.status_code}"
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class WebhookMessenger(_HttpMessenger):
    """The whole document, signed as Standard Webhooks has it when there is a key."""

    def __init__(
        self, url: str, network: Network, *, key: bytes | None, now_seconds: Callable[[], float]
    ) -> None:
        super().__init__(url, network)
        self._key = key
        self._now_seconds = now_seconds

    async def send(self, letter: Letter) -> str | None:
        """TargetPost it."""
        body = json.dumps({"id": letter.id, **letter.document}, ensure_ascii=False).encode()
        headers = {"webhook-id": letter.id}
        if self._key is not None:
            now = int(self._now_seconds())
            headers["webhook-timestamp"] = str(now)
            headers["webhook-signature"] = signature(
                self._key, message_id=letter.id, timestamp=now, body=body
            )
        return await self._post(body, headers)


class SlackMessenger(_HttpMessenger):
    """Slack's incoming webhook: one text."""

    async def send(self, letter: Letter) -> str | None:
        """TargetPost it; `<`, `>` and `&` are Slack's own signs (docs: formatting text for app surfaces)."""
        text = f"*{_plain(letter.title)}*\n{_plain(letter.text)}".strip()
        return await self._post(json.dumps({"text": text}).encode(), {})


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
