"""Listing jobs: pages in order of id, whatever the filter, and never more looked at than shown."""

import pytest
from sqlalchemy import text
from support.world import spec

from orchestrator.core.errors import NotFoundError
from orchestrator.store.views.jobs.jobs import count_jobs, list_jobs
from orchestrator.store.views.jobs.walk import JobFilter, count_up_to, page_ids

FILTERS = [
    JobFilter(),
    JobFilter(states=("failed",)),
    JobFilter(states=("failed", "pending")),
    JobFilter(campaign="spring"),
    JobFilter(campaign="spring", states=("cancelled",)),
    JobFilter(run="monday"),
    JobFilter(run="hero"),
    JobFilter(run="spring/hero/monday"),
    JobFilter(campaign="spring", run="spring/hero/monday"),
    JobFilter(campaign="autumn", run="monday", states=("pending", "running")),
    JobFilter(run_ids=(1, 3)),
    JobFilter(campaign="spring", run_ids=(3, 4)),
    JobFilter(tags={"client": "acme"}),
    JobFilter(tags={"client": "acme"}, states=("failed",), campaign="spring"),
    JobFilter(reason="moderated"),
    JobFilter(reason="moderated", run="monday"),
    JobFilter(ids=(2, 3, 50, 99)),
    JobFilter(ids=(2, 3, 50), states=("failed",)),
]


@pytest.fixture
def mixed(world):
    """Five runs of two campaigns whose ids interleave, in every state, with tags and reasons."""
    runs = [(campaign, key) for campaign in ("spring", "autumn") for key in ("monday", "tuesday")]
    for round_number in range(6):
        for campaign, key in [*runs, ("spring", "sunday")]:
            tags = {"client": "acme"} if round_number % 2 else {"client": "other"}
            numbers = range(round_number * 4, round_number * 4 + 4)
            specs = [
                spec(number, prefix=f"{campaign}/{key}", tags=tags, price=28_000 + number)
                for number in numbers
            ]
            world.apply(specs, campaign=campaign, run_key=key)
    with world.database.write() as tx:
        for number, state in enumerate(("failed", "cancelled", "succeeded")):
            statement = (
                f"UPDATE jobs SET state = '{state}', queue = NULL, finished_at = 1 WHERE id % 5 = {number}"
            )
            tx.conn.execute(text(statement))
        tx.conn.execute(text("UPDATE jobs SET state = 'running', queue = NULL WHERE id % 35 = 3"))
        tx.conn.execute(text("UPDATE jobs SET reason = 'moderated' WHERE state = 'failed' AND id % 2 = 0"))
    return world


def plainly(world, wanted):
    """The ids that match, by looking at every job."""
    with world.database.read() as tx:
        rows = tx.conn.execute(
            text(
                "SELECT jobs.id, jobs.state, jobs.reason, jobs.run_id, runs.name, runs.run_key, "
                "campaigns.name AS campaign FROM jobs JOIN runs ON runs.id = run_id JOIN campaigns ON "
                "campaigns.id = campaign_id ORDER BY jobs.id"
            )
        ).all()
        acme = {job.id for job in list_jobs(tx, JobFilter(), limit=10_000) if job.tags["client"] == "acme"}
    return [
        row.id
        for row in rows
        if (not wanted.states or row.state in wanted.states)
        and wanted.campaign in {None, row.campaign}
        and wanted.run in {None, row.name, row.run_key, f"{row.campaign}/{row.name}/{row.run_key}"}
        and (not wanted.run_ids or row.run_id in wanted.run_ids)
        and (not wanted.ids or row.id in wanted.ids)
        and wanted.reason in {None, row.reason}
        and (not wanted.tags or row.id in acme)
    ]


def test_pages_hold_every_matching_job_once_and_in_order(mixed):
    for wanted in FILTERS:
        expected = plainly(mixed, wanted)
        for limit in (1, 7, 500):
            found, after = [], 0
            with mixed.database.read() as tx:
                while page := page_ids(tx, wanted, after_id=after, limit=limit):
                    assert len(page) <= limit, wanted
                    found += page
                    after = page[-1]
            assert found == expected, wanted


def test_a_count_stops_when_it_is_enough(mixed):
    for wanted in FILTERS:
        expected = len(plainly(mixed, wanted))
        with mixed.database.read() as tx:
            assert count_up_to(tx, wanted, 1000) == expected, wanted
            assert count_up_to(tx, wanted, 3) == min(expected, 4), wanted
            assert count_jobs(tx, wanted)[0] == expected, wanted


def test_a_listed_job_has_its_words_and_pictures(mixed):
    with mixed.database.read() as tx:
        (job,) = list_jobs(tx, JobFilter(campaign="autumn", states=("failed",)), limit=1)
    assert (job.campaign, job.name, job.state) == ("autumn", "hero", "failed")
    assert [item.planned_path for item in job.outputs] == [f"autumn/{job.run}/{job.ordinal}-v1-0.png"]


@pytest.mark.parametrize("wanted", [JobFilter(campaign="nobody"), JobFilter(run="nothing")])
def test_a_name_of_nothing_is_an_error_and_no_empty_list(world, wanted):
    for look in (page_ids, count_jobs, lambda tx, names: count_up_to(tx, names, 1)):
        with world.database.read() as tx, pytest.raises(NotFoundError, match="There is no"):
            look(tx, wanted)
