"""The review over real HTTP: who may look, from where forms are taken, and what pages and pictures give away."""

import asyncio
import io
import re

import aiohttp
import pytest
from support.shop import Shop
from support.times import FakeEntropy
from support.world import World

from orchestrator.actions.planning.apply import Pricing
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database
from orchestrator.web.review.access import Access
from orchestrator.web.review.site import make_review
from orchestrator.web.server import serve


@pytest.fixture
def shop(sqlite_url, clock, entropy, tmp_path):
    database = Database.open(sqlite_url, clock, clock_from_server=False)
    yield Shop(World(database, clock, entropy), tmp_path)
    database.close()


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


@pytest.fixture
def review(shop):
    """Runs an async test body with the server, and a way to open browsers at it."""

    def run(main):
        async def inside():
            access = Access(FakeEntropy(), Signature("kim", "here", "review"))
            site = make_review(shop.database, shop.root, access, pricing=Pricing, timezone="UTC")
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

    return run


AS_SCRIPT = {"Accept": "application/json"}


def test_a_link_works_once_and_without_it_nothing_is_shown(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)

    async def main(browser):
        stranger = browser()
        paths = [
            "/",
            "/review",
            "/review/runs/1",
            "/review/jobs/1",
            "/review/rows?row=1.",
            "/static/style.css",
        ]
        paths += [f"/pictures/1/{shop.sha256(1)}-256.webp", f"/pictures/1/{shop.sha256(1)}", "/nothing"]
        for path in paths:
            status, html = await stranger.get(path)
            assert (status, "MUG" in html) == (403, False), path
        kim = browser()
        link = kim.access.link()
        assert (await kim.get(link))[0] == 200
        cookie = kim.shown["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await stranger.get(link))[0] == 403
        assert (await kim.get("/review/runs/1"))[0] == 200

    review(main)


@pytest.mark.parametrize("host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}", ""])
def test_a_name_that_was_rebound_to_this_machine_is_refused_on_every_route(shop, review, host):
    async def main(browser):
        kim = await browser().enter()
        name = host.format(port=kim.url.rpartition(":")[2])
        for path in (
            "/review",
            "/static/review.js",
            kim.access.link(),
            "/nothing",
            "/pictures/1/" + "a" * 64,
        ):
            status, html = await kim.get(path, headers={"Host": name})
            assert (status, html) == (421, ""), path

    review(main)


def test_a_form_of_another_site_or_without_its_token_changes_nothing(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)

    async def main(browser):
        kim = await browser().enter()
        said = {"jobs": "1", "word": "accept"}
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            status, html = await kim.post("/review/verdict", headers, **said)
            assert (status, "another site" in html) == (403, True)
        for token in ("", "x", "é"):
            assert (await kim.post("/review/verdict", **{**said, "csrf": token}))[0] == 403
        assert shop.world.job(1).verdict is None
        status, _ = await kim.post("/review/verdict", {"Origin": kim.url}, **said)
        assert (status, shop.world.job(1).verdict) == (303, "accepted")

    review(main)


def test_every_answer_forbids_inline_scripts_framing_and_guessing_of_types(shop, review):
    shop.apply(["MUG"], ["beach"])

    async def main(browser):
        kim = await browser().enter()
        for path in ("/", "/review/runs/1", "/nothing", "/static/review.js", "/enter?key=x"):
            await kim.get(path)
            policy = kim.shown["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert kim.shown["X-Content-Type-Options"] == "nosniff"

    review(main)


def test_words_of_a_manifest_cannot_write_into_a_page(shop, review):
    evil = '"><script>alert(1)</script>'
    shop.apply([evil], [evil])
    shop.make(1)
    shop.set(1, note=evil)

    async def main(browser):
        kim = await browser().enter()
        for path in ("/review/runs/1", "/review/jobs/1", "/review/compare?jobs=1", "/review/jobs/1/redo"):
            status, html = await kim.get(path)
            assert (status, "<script>alert" in html) == (200, False), path

    review(main)


def test_pictures_are_served_by_content_alone_and_flagged_ones_blurred_alone(shop, review):
    shop.apply(["MUG"], ["beach", "alps"])
    shop.make(1)
    shop.make(2, flagged=True)
    first, flagged = shop.sha256(1), shop.sha256(2)

    async def main(browser):
        kim = await browser().enter()

        async def status(path):
            return (await kim.get(path))[0]

        assert await status(f"/pictures/1/{first}-256.webp") == 200
        assert "immutable" in kim.shown["Cache-Control"]
        assert await status(f"/pictures/1/{first}") == 200
        assert kim.shown["Content-Type"] == "image/png"
        assert await status(f"/pictures/2/{first}-256.webp") == 404
        assert await status(f"/pictures/2/{flagged}-blurred.webp") == 200
        for sharp in ("-256.webp", "-768.webp", ""):
            assert await status(f"/pictures/2/{flagged}{sharp}") == 404
        _, html = await kim.get("/review/runs/1")
        assert f"{flagged}-blurred.webp" in html
        assert f"{flagged}-256" not in html
        shop.path(1).write_bytes(b"something else")
        assert await status(f"/pictures/1/{first}") == 404

    review(main)


def test_a_picture_that_is_gone_says_so_on_its_page(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)
    shop.path(1).unlink()

    async def main(browser):
        kim = await browser().enter()
        for path in ("/review/runs/1", "/review/jobs/1"):
            assert "The file is not there any more" in (await kim.get(path))[1]

    review(main)


def test_without_a_script_a_form_judges_and_leads_to_the_next_picture(shop, review):
    shop.apply(["MUG", "SHOE"], ["beach"])
    shop.make(1, 2)

    async def main(browser):
        kim = await browser().enter()
        _, html = await kim.get("/review/jobs/1")
        then = re.search(r'name="next" value="([^"]+)"', html)[1]
        assert then == "/review/jobs/2"
        status, _ = await kim.post("/review/verdict", jobs="1", word="reject", seen="none", next=then)
        assert (status, kim.shown["Location"]) == (303, then)
        assert shop.world.job(1).verdict == "rejected"
        status, _ = await kim.post(
            "/review/verdict", jobs="1", word="accept", next="https://evil.example/review"
        )
        assert kim.shown.get("Location", "/review") == "/review"

    review(main)


def test_who_had_said_otherwise_in_the_meantime_is_named_and_nothing_is_lost(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)

    async def main(browser):
        kim, ada = await browser().enter(), await browser().enter("Ada L.")
        await ada.post("/review/verdict", AS_SCRIPT, jobs="1", word="reject", note="blurry", seen="none")
        status, said = await kim.post("/review/verdict", AS_SCRIPT, jobs="1", word="accept", seen="none")
        assert status == 200
        assert "Ada L. had said in the meantime: rejected: blurry" in said["words"]
        assert said["jobs"][0]["before"]["who"] == "Ada L."
        _, html = await kim.get("/review/jobs/1")
        assert "Ada L." in html
        assert "rejected: blurry" in html

    review(main)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"jobs": "1", "word": "perhaps"}, "is no verdict"),
        ({"jobs": "1;2", "word": "accept"}, "names no jobs"),
        ({"jobs": "1", "stars": "9"}, "no number of stars"),
        ({"jobs": "1"}, "says nothing"),
        ({"jobs": "1", "word": "accept", "note": "x" * 5000}, "characters long"),
    ],
)
def test_a_form_that_is_off_is_answered_in_words_and_changes_nothing(shop, review, fields, words):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)

    async def main(browser):
        kim = await browser().enter()
        status, said = await kim.post("/review/verdict", AS_SCRIPT, **fields)
        assert (status, words in said["words"]) == (400, True)
        assert shop.world.job(1).verdict is None

    review(main)


def test_a_verdict_on_what_has_no_picture_is_refused_with_the_reason(shop, review):
    shop.apply(["MUG"], ["beach"])

    async def main(browser):
        kim = await browser().enter()
        _, said = await kim.post("/review/verdict", AS_SCRIPT, jobs="1,77", word="accept")
        assert "Job 1: it waits, and has no picture yet. Job 77: there is no such job." in said["words"]

    review(main)


def test_another_try_is_priced_first_asked_for_once_and_can_be_taken_back(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)

    async def main(browser):
        kim = await browser().enter()
        _, form = await kim.get("/review/jobs/1/redo")
        assert "$0.028" in form
        word = re.search(r'name="request" value="([^"]+)"', form)[1]
        for _ in range(2):  # sent twice: one try
            _, said = await kim.post("/review/redo", AS_SCRIPT, jobs="1", request=word, note="too dark")
        made = said["jobs"][0]["made"]
        assert "Nothing is spent until" in said["words"]
        _, html = await kim.get("/review/runs/1")
        assert "another is coming" in html
        _, said = await kim.post("/review/drop", AS_SCRIPT, jobs=str(made))
        assert said["words"] == "The other try is cancelled. Nothing was spent."
        assert shop.world.job(made).state == "cancelled"

    review(main)


def test_a_redo_of_what_is_being_made_and_an_endless_prompt_are_refused(shop, review):
    shop.apply(["MUG"], ["beach"])

    async def main(browser):
        kim = await browser().enter()
        _, said = await kim.post("/review/redo", AS_SCRIPT, jobs="1")
        assert "Job 1: " in said["words"]
        endless = io.BytesIO(b"jobs=1&prompt=" + b"x" * 10_000_000)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        async with kim.session.post(f"{kim.url}/review/redo", data=endless, headers=kind) as reply:
            assert (reply.status, "too long" in await reply.text()) == (413, True)

    review(main)


def test_a_row_is_sent_again_only_when_it_has_changed(shop, review):
    shop.apply(["MUG", "SHOE"], ["beach"])
    shop.make(1)

    async def main(browser):
        kim = await browser().enter()

        async def rows(query):
            async with kim.session.get(f"{kim.url}/review/rows?{query}") as reply:
                return (await reply.json())["rows"]

        first = await rows("row=1.&row=2.")
        known = "&".join(f"row={each['row']}.{each['seal']}" for each in first)
        assert [each["row"] for each in first] == [1, 2]
        assert await rows(known) == []
        shop.make(2)
        assert [each["row"] for each in await rows(known)] == [2]

    review(main)


@pytest.mark.parametrize(
    "path",
    [
        "/review/runs/99",
        "/review/jobs/99",
        "/review/compare?jobs=99",
        "/review/compare",
        "/static/../x",
        "/x",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(shop, review, path):
    async def main(browser):
        kim = await browser().enter()
        assert (await kim.get(path))[0] == 404

    review(main)


@pytest.mark.parametrize(
    "query", ["view=x&show=y&job=-1&from=", "from=%00&job=99999999999999999999", "words=%25"]
)
def test_an_address_that_is_off_is_read_as_not_said(shop, review, query):
    shop.apply(["MUG"], ["beach"])

    async def main(browser):
        kim = await browser().enter()
        assert (await kim.get(f"/review/runs/1?{query}"))[0] == 200

    review(main)
