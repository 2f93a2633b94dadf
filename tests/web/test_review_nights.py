"""The review of a run shows what other run keys made of the same pictures, and stays in its run."""

from review_browser import AS_SCRIPT

from orchestrator.store.db.schema import jobs


def test_the_tries_of_another_night_stand_in_the_stack_and_the_next_picture_is_of_this_run(shop, review):
    for key in ("n1", "n2"):
        shop.apply(["MUG"], ["beach", "alps"], run_key=key)
    shop.make(1, 2, 3, 4)
    shop.set(3, verdict="accepted")

    async def main(browser):
        kim = await browser().enter()
        _, html = await kim.get("/review/runs/1?show=all")
        assert 'data-tries="1,3"' in html
        assert 'data-tries="2,4"' in html
        assert "✓ job 3 of another run" in html
        _, html = await kim.get("/review/jobs/1")
        assert 'data-try="3" title="spring/hero/n2"' in html
        assert 'href="/review/jobs/2" rel="next"' in html
        _, html = await kim.get("/review/jobs/3")
        assert 'href="/review/runs/2"' in html

    review(main)


def test_the_head_of_a_night_says_how_many_jobs_earlier_pictures_serve(shop, review):
    shop.apply(["MUG"], ["beach", "alps"], run_key="n1")
    shop.make(1, 2)
    shop.apply(["MUG"], ["beach", "alps"], run_key="n2")
    shop.set(3, state="reused", queue=None, reused_from=1, finished_at=0)

    async def main(browser):
        kim = await browser().enter()
        assert "1 reused" in (await kim.get("/review/runs/2"))[1]
        assert "reused" not in (await kim.get("/review/runs/1"))[1]

    review(main)


def test_a_click_on_a_reused_picture_is_a_word_on_the_job_that_made_it_and_both_nights_show_it(shop, review):
    shop.apply(["MUG"], ["beach", "alps"], run_key="n1")
    shop.make(1, 2)
    shop.apply(["MUG"], ["beach", "alps"], run_key="n2")
    shop.set(3, state="reused", queue=None, reused_from=1, finished_at=0)

    async def main(browser):
        kim = await browser().enter()
        status, said = await kim.post(
            "/review/verdict", headers=AS_SCRIPT, jobs="3", word="reject", seen="none"
        )
        assert (status, said["words"]) == (200, "")
        assert [(each["job"], each["after"]["verdict"]) for each in said["jobs"]] == [(3, "rejected")]
        assert shop.world.job(1).verdict == "rejected"
        _, html = await kim.get("/review/jobs/3")
        assert "with the picture of job 1" in html
        assert "✕ rejected" in html
        status, said = await kim.post(
            "/review/verdict", headers=AS_SCRIPT, jobs="3", word="accept", seen="rejected"
        )
        assert (said["words"], shop.world.job(1).verdict) == ("", "accepted")
        status, said = await kim.post("/review/redo", headers=AS_SCRIPT, jobs="3", request="r1")
        assert "another try of job 1" in said["words"]
        assert shop.world.rows(jobs)[-1].redo_of == 1

    review(main)
