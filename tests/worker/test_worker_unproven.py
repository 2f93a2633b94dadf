"""What came and cannot be proven to be a picture: kept aside, said everywhere, and never taken for one."""

from pathlib import Path

from sqlalchemy import select
from support.provider import RenewsUrls
from support.signed import SIGNED

from orchestrator.actions.operator.change_jobs import retry_jobs
from orchestrator.cli.rendering.jobs import job_text
from orchestrator.ports import FetchFailed, FetchFault
from orchestrator.store.db.schema import events, jobs
from orchestrator.store.views.jobs.detail import job_detail
from orchestrator.store.views.jobs.walk import JobFilter
from orchestrator.worker.pipeline.fetch import FRESH_URLS_SECONDS

ASIDE = "out/0-0.png.unproven"
CUT = FetchFailed(FetchFault.BAD_CONTENT, "the image/png data does not decode: it is truncated", ASIDE)


def never_whole(harness, last=CUT):
    """The provider's delivery brings half a picture first, and then nothing better."""
    harness.provider = RenewsUrls(harness.clock)
    harness.artifacts.next_stores.extend([CUT, *[last] * 60])
    harness.run_for(FRESH_URLS_SECONDS + 600)
    harness.artifacts.next_stores.clear()


def shown(world) -> str:
    with world.database.read() as tx:
        return job_text.detail_text(job_detail(tx, 1, "UTC"), "why", Path("/data"))


def test_a_job_whose_picture_is_never_proven_fails_and_names_the_file(harness, world):
    world.run(1)
    never_whole(harness)
    assert world.jobs() == {"failed": 1}
    assert [(row.state, row.stored_path, row.unproven_path) for row in world.outputs(1)] == [
        ("lost", None, ASIDE)
    ]
    with world.database.read() as tx:
        assert f"what came is kept as {ASIDE}" in tx.conn.execute(select(jobs.c.message)).scalar_one()


def test_the_file_is_named_also_when_the_url_has_expired_since(harness, world):
    world.run(1)
    never_whole(harness, FetchFailed(FetchFault.GONE, "the URL has expired"))
    assert [row.unproven_path for row in world.outputs(1)] == [ASIDE]


def test_an_event_and_the_jobs_own_page_tell_where_it_is(harness, world):
    world.run(1)
    never_whole(harness)
    with world.database.read() as tx:
        notes = tx.conn.execute(select(events).where(events.c.kind == "unproven")).all()
    assert [(note.job_id, ASIDE in note.message) for note in notes] == [(1, True)]
    assert f"what came is kept as /data/{ASIDE}" in shown(world)


def test_each_try_is_told_what_an_earlier_one_kept_and_a_whole_picture_ends_it(harness, world):
    world.run(1)
    harness.provider = RenewsUrls(harness.clock)
    harness.artifacts.next_stores.extend([CUT, FetchFault.TRANSIENT])
    harness.drain()
    assert world.jobs() == {"succeeded": 1}
    assert [request.unproven for request in harness.artifacts.requests] == [None, ASIDE, ASIDE]
    assert {request.attempt_id for request in harness.artifacts.requests} == {1}
    assert [(row.state, row.unproven_path) for row in world.outputs(1)] == [("stored", None)]


def test_a_retry_does_not_forget_what_the_attempt_before_it_kept(harness, world):
    world.run(1)
    never_whole(harness)
    retry_jobs(world.database, JobFilter(ids=(1,)), SIGNED)
    harness.provider = RenewsUrls(harness.clock)
    harness.drain()
    assert world.jobs() == {"succeeded": 1}
    assert [(row.state, row.unproven_path) for row in world.outputs(1)] == [("stored", ASIDE)]
    assert harness.artifacts.requests[-1].unproven is None  # another attempt's file: not to be removed
