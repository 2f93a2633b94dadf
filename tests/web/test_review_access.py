"""Who may look, from where forms are taken, and what pages and pictures give away."""

import pytest


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
