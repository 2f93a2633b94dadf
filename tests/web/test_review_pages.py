"""The review over real HTTP: its pages and forms, with a script and without one."""

import io
import re

import pytest
from review_browser import AS_SCRIPT

from orchestrator.store.choosing import checks
from orchestrator.store.choosing.checks import CheckFound
from orchestrator.store.views.jobs import products


def test_a_picture_that_is_gone_says_so_on_its_page(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)
    shop.path(1).unlink()

    async def main(browser):
        kim = await browser().enter()
        for path in ("/review/runs/1", "/review/jobs/1"):
            assert "The file is not there any more" in (await kim.get(path))[1]

    review(main)


def test_what_a_check_suggests_is_shown_with_its_reason(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)
    with shop.database.write() as tx:
        said = {"sha256": "ab", "name": "blank", "passed": False, "reason": "It is <teal>."}
        checks.record(tx, [CheckFound(job_id=1, index=0, **said)])

    async def main(browser):
        kim = await browser().enter()
        assert "check: blank" in (await kim.get("/review/runs/1"))[1]
        _, html = await kim.get("/review/jobs/1")
        assert "It is &lt;teal&gt;." in html

    review(main)


def test_a_verdict_of_a_page_moves_the_files_and_trouble_with_that_keeps_it(shop, review):
    shop.apply(["MUG"], ["beach"])
    shop.make(1)
    moved = []

    def move(job_ids):
        moved.append(list(job_ids))
        raise OSError(28, "No space left on device")

    async def main(browser):
        kim = await browser().enter()
        status, _ = await kim.post("/review/verdict", AS_SCRIPT, jobs="1", word="accept", seen="none")
        assert (status, moved, shop.world.job(1).verdict) == (200, [[1]], "accepted")

    review(main, move=move)


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


def test_a_review_that_was_begun_opens_at_the_first_product_with_a_picture_without_a_verdict(shop, review):
    shop.apply(["A", "B", "C"], ["beach"])
    shop.make(1, 2, 3)

    async def main(browser):
        kim = await browser().enter()
        assert (await kim.get("/review/runs/1"))[0] == 200
        await kim.post("/review/verdict", AS_SCRIPT, jobs="1", word="accept")
        assert (await kim.get("/review/runs/1"))[0] == 303
        assert kim.shown["Location"] == "/review/runs/1?show=unseen"
        _, html = await kim.get("/review/runs/1?show=unseen")
        assert [name in html for name in (">A<", ">B<", ">C<")] == [False, True, True]
        _, html = await kim.get("/review/runs/1?show=all")
        assert ">A<" in html

    review(main)


def test_a_picture_of_a_product_with_more_jobs_than_a_page_shows_has_its_page(shop, review, monkeypatch):
    monkeypatch.setattr(products, "JOBS_MAX", 2)
    shop.apply(["MUG"], ["a", "b", "c", "d"])

    async def main(browser):
        kim = await browser().enter()
        for job in (1, 4):
            status, html = await kim.get(f"/review/jobs/{job}")
            assert (status, f"MUG at the {'abcd'[job - 1]}" in html) == (200, True)

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
