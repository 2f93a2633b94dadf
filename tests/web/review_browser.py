"""A browser without a screen, and the review that it is at."""

import asyncio
import re

import aiohttp
from support.times import FakeEntropy

from orchestrator.actions.planning.apply import Pricing
from orchestrator.store.account.acts import Signature
from orchestrator.web.review.access import Access
from orchestrator.web.review.site import make_review
from orchestrator.web.server import serve

AS_SCRIPT = {"Accept": "application/json"}


class Browser:
    """One browser at the review."""

    def __init__(self, url, access):
        self.url, self.access, self.csrf, self.shown = url, access, "", {}
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def enter(self, name=""):
        assert (await self.get(self.access.link(name)))[0] == 200
        _, html = await self.get("/review?all")
        self.csrf = re.search(r'data-csrf="([^"]+)"', html)[1]
        return self

    async def get(self, path, **options):
        async with self.session.get(self.url + path, allow_redirects=False, **options) as reply:
            self.shown = reply.headers
            return reply.status, (await reply.read()).decode("utf-8", "replace")

    async def post(self, path, headers=None, **fields):
        data = {"csrf": self.csrf, **fields}
        async with self.session.post(
            self.url + path, data=data, headers=headers or {}, allow_redirects=False
        ) as reply:
            self.shown = reply.headers
            is_json = "json" in reply.headers.get("Content-Type", "")
            return reply.status, await (reply.json() if is_json else reply.text())


def at_review(shop, main, **options):
    """Run an async test body with the server, and a way to open browsers at it."""

    async def inside():
        access = Access(FakeEntropy(), Signature("kim", "here", "review"))
        site = make_review(shop.database, shop.root, access, pricing=Pricing, timezone="UTC", **options)
        opened = []

        def browser():
            opened.append(Browser(url, access))
            return opened[-1]

        async with serve(site, "127.0.0.1", 0, connection_seconds=None) as url:
            try:
                return await main(browser)
            finally:
                for each in opened:
                    await each.session.close()

    return asyncio.run(inside())
