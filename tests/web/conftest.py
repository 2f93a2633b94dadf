"""The receiver over real HTTP on loopback, in the test's own loop."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import aiohttp
import pytest
from review_browser import at_review
from support.showroom import Showroom
from support.world import World

from orchestrator.core.states import AttemptState
from orchestrator.core.webhooks import callback_url, signature
from orchestrator.store.db.database import Database
from orchestrator.store.db.group_commit import GroupWriter
from orchestrator.web import Receiver, make_site, serve

SECRET = "whsec_test"
URL = "https://hooks.example.com/wavespeed"


class Post:
    """Sends webhooks to a receiver; `deliver` answers the status."""

    def __init__(self, base, session, world):
        self.base = base
        self.session = session
        self.world = world

    def signed(self, body, *, webhook_id="d1", secret=SECRET, away=0):
        timestamp = str(self.world.clock.now_ms() // 1000 + away)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(
                secret=secret, webhook_id=webhook_id, timestamp=timestamp, body=body
            ),
        }

    async def deliver(self, token="t", task="p9", *, body=None, sent=None, headers=None, **signing):
        """`body` is what is signed, `sent` what goes out in its place."""
        told = {"id": task, "status": "completed", "outputs": ["https://out.example/0.png"]}
        body = json.dumps(told).encode() if body is None else body
        return await self.send(
            "POST",
            callback_url("/wavespeed", token),
            data=body if sent is None else sent,
            headers=self.signed(body, **signing) if headers is None else headers,
        )

    async def send(self, method, path, **options):
        async with self.session.request(method, self.base + path, **options) as response:
            await response.read()
            return response.status


@pytest.fixture
def exchange(world):
    """Runs an async test body against a receiver on the test's database."""

    def run(main, *, writer=None, is_well=None, secrets=(SECRET,)):
        group = GroupWriter(world.database)

        async def well():
            return True

        @asynccontextmanager
        async def post():
            database = world.database
            receiver = Receiver(writer or group, world.clock, secrets, in_place=lambda: database.in_place)
            site = make_site(receiver, URL, is_well or well)
            async with serve(site, "127.0.0.1", 0) as base, aiohttp.ClientSession() as session:
                assert urlsplit(base).hostname == "127.0.0.1"
                yield Post(base, session, world)

        async def body():
            async with post() as made:
                return await main(made)

        try:
            return asyncio.run(body())
        finally:
            group.close()

    return run


@pytest.fixture
def doubted(world):
    world.run(1)
    held = world.until(AttemptState.IN_DOUBT)
    return held, world.attempt(held).token


@pytest.fixture
def shop(sqlite_url, clock, entropy, tmp_path):
    """For the review: its SQL is tried on both kinds of database by the tests of the store."""
    database = Database.open(sqlite_url, clock, clock_from_server=False)
    yield Showroom(World(database, clock, entropy), tmp_path)
    database.close()


@pytest.fixture
def review(shop):
    """Runs an async test body with a review, and a way to open browsers at it."""
    return partial(at_review, shop)
