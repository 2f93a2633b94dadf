"""A real browser at a real review: one browser for a file of tests, a page and a server for each test."""

import pytest
from review_thread import CHROMIUM, Served, in_thread
from support.showroom import Showroom
from support.times import FakeEntropy
from support.world import World

from orchestrator.actions.planning.apply import Pricing
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database
from orchestrator.web.review.access import Access
from orchestrator.web.review.site import make_review


@pytest.fixture(
    scope="module"
)  # no longer: its event loop runs in this thread, where other tests want theirs
def chromium():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop(sqlite_url, clock, entropy, tmp_path):
    database = Database.open(sqlite_url, clock, clock_from_server=False)
    yield Showroom(World(database, clock, entropy), tmp_path)
    database.close()


@pytest.fixture
def served(shop):
    """Opens the review in a new browser context; the page keeps its errors in `page.troubles`."""
    access = Access(FakeEntropy(), Signature("kim", "here", "review"))
    where = Served()
    with in_thread(
        lambda: make_review(shop.database, shop.root, access, pricing=Pricing, timezone="UTC"), where
    ):
        where.access = access
        yield where


@pytest.fixture
def visit(chromium, served):
    contexts = []

    def open_page(path="/review", **context):
        made = chromium.new_context(**{"viewport": {"width": 1280, "height": 860}, **context})
        made.set_default_timeout(8_000)
        contexts.append(made)
        page = made.new_page()
        page.troubles = []
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.goto(served.url + served.access.link())
        page.wait_for_url("**/review**")
        page.goto(served.url + path)
        return page

    yield open_page
    for each in contexts:
        each.close()
