"""What https inputs serve now, asked of their hosts by HEAD: headers alone, without credentials.

Where a host refuses HEAD, or says that nothing is there, the first byte is asked for by GET and not read:
many hosts answer HEAD wrongly, and an address is gone only when both say so. Each hop is checked like that of
a download: https to public addresses, and near ones only where the API is near.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final

import httpx

from orchestrator.artifacts.allowed_urls import check_source
from orchestrator.core.addresses import nearness_of_host
from orchestrator.core.url_inputs import GONE, SILENT, validator
from orchestrator.runtime.http_transport import USER_AGENT, make_transport, timeouts
from orchestrator.runtime.network import Network

AT_ONCE: Final = 16
ANSWER_SECONDS: Final = 5.0
"""How long one host may take to answer one question."""

ALL_SECONDS: Final = 60.0
"""How long all questions of one command may take: a plan, and a tick under its lease, must not hang."""

SILENCES_MAX: Final = 3
"""After so many questions in a row without an answer, a host is asked nothing more."""

REDIRECTS_MAX: Final = 5

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_ASK_BY_GET: Final = frozenset({*_GONE, 400, 403, 405, 501})
"""Answers to HEAD that are no answer. An address that is signed for GET alone is refused (403)."""

_FOUND: Final = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
_HEADERS: Final = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}


class InputAddresses:
    """Asks for one command. The time that is left, and hosts that are silent, are kept from call to call."""

    def __init__(
        self,
        api_host: str,
        network: Network,
        *,
        all_seconds: float = ALL_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`api_host` is the provider's, who has to get what the addresses serve."""
        self._api_host = api_host
        self._near = nearness_of_host(api_host)
        self._network = network
        self._left = all_seconds
        self._answer_seconds = answer_seconds
        self._silences: Counter[str] = Counter()

    def __call__(self, urls: Sequence[str]) -> Mapping[str, str]:
        """Implements `AskAddresses`; for a thread without an event loop."""
        return asyncio.run(self._ask_all(urls)) if urls and self._left > 0 else {}

    async def _ask_all(self, urls: Sequence[str]) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        transport = make_transport(AT_ONCE, self._network, near=self._api_host)
        found: dict[str, str] = {}
        waiting = iter(urls)
        asking = [
            asyncio.ensure_future(self._go_through(transport, waiting, found))
            for _ in range(min(AT_ONCE, len(urls)))
        ]
        try:
            await asyncio.wait(asking, timeout=self._left)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await transport.aclose()
            self._left -= loop.time() - began
        return found

    async def _go_through(
        self, transport: httpx.AsyncBaseTransport, urls: Iterator[str], found: dict[str, str]
    ) -> None:
        for url in urls:
            host = _host(url)
            if self._silences[host] >= SILENCES_MAX:
                found[url] = SILENT
                continue
            answer = found[url] = await self._answer(transport, url)
            self._silences[host] = self._silences[host] + 1 if answer == SILENT else 0

    async def _answer(self, transport: httpx.AsyncBaseTransport, url: str) -> str:
        try:
            head = await self._asked(transport, "HEAD", url)
            if head.status_code in _ASK_BY_GET:
                head = await self._asked(transport, "GET", url)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError, ValueError):  # ForbiddenUrlError is one
            return SILENT
        if head.status_code in _GONE:
            return GONE
        return validator(head.headers) if head.status_code in _FOUND else SILENT

    async def _asked(self, transport: httpx.AsyncBaseTransport, method: str, url: str) -> httpx.Response:
        """The head of the answer at the end of all redirects."""
        headers = {**_HEADERS, "Range": "bytes=0-0"} if method == "GET" else _HEADERS
        limits = {"timeout": timeouts(self._answer_seconds, self._answer_seconds)}
        target = check_source(url, api=self._near)
        for _hop in range(REDIRECTS_MAX + 1):
            request = httpx.Request(method, target, headers=headers, extensions=limits)
            async with asyncio.timeout(self._answer_seconds):
                response = await transport.handle_async_request(request)
                if method == "HEAD":  # read to its end, which has come: the connection serves the next one
                    async for _nothing in response.aiter_raw():
                        pass
                await response.aclose()
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                return response
            target = check_source(location, api=self._near, via=target)
        raise httpx.TooManyRedirects("it leads on and on", request=request)


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return url
