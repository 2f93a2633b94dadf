"""Copies of pictures that are paid once: made before the job ends, or later for nothing, never of another."""

from dataclasses import replace

import pytest
from support.provider import Ending
from support.signed import SIGNED
from support.world import PRICE, run_spec, spec

from orchestrator.actions.operator.change_jobs import retry_jobs
from orchestrator.ports import FetchFault, Status
from orchestrator.store.db.schema import outputs
from orchestrator.store.runs import adding, copies, runs
from orchestrator.store.views.jobs.jobs import count_pictures, list_jobs
from orchestrator.store.views.jobs.walk import JobFilter


class DiesHere(BaseException):
    """The process dies here."""


def apply(world, *names: tuple[str, ...], images: int = 1):
    """A job, and rows that share it with paths of their own."""
    job = spec(1, images=images, price=images * PRICE)
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec())
        adding.add_jobs(tx, run, [job])
        copies.add_copies(tx, run, [(job.key, paths) for paths in names])
    return job


def files(world) -> list[tuple[str, str | None]]:
    return [(row.state, row.stored_path) for row in world.rows(outputs)]


def test_a_job_succeeds_with_the_files_of_every_row_and_is_paid_once(harness, world):
    apply(world, ("b-0.png", "b-1.png"), ("c-0.png", "c-1.png"), images=2)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert files(world) == [
        ("stored", path)
        for path in ("hero/1-v1-0.png", "hero/1-v1-1.png", "b-0.png", "b-1.png", "c-0.png", "c-1.png")
    ]
    assert world.account() == (2 * PRICE, 0, 0)
    digests = harness.artifacts.files
    assert digests["b-1.png"] == digests["c-1.png"] == digests["hero/1-v1-1.png"] != digests["b-0.png"]


def test_no_copy_is_recorded_before_its_file_is_there(harness, world):
    """The worker dies between the files and the record: the next one finds them, and makes none twice."""
    apply(world, ("b.png",))

    def crash(point: str) -> None:
        if point == "fetch.stored":
            raise DiesHere

    harness.crashpoint = crash
    with pytest.raises(DiesHere):
        harness.drain()
    assert "stored" not in {state for state, _ in files(world)}
    assert "b.png" in harness.artifacts.files
    harness.crashpoint = lambda _point: None
    harness.clock.advance(120)
    harness.drain()
    assert (world.jobs(), {state for state, _ in files(world)}) == ({"succeeded": 1}, {"stored"})
    assert len(harness.provider.posts) == 1


def add_later(world, job, *names: tuple[str, ...]):
    with world.database.write() as tx:
        run = runs.find_run(tx=tx, campaign="spring", name="hero", run_key="main")
        copies.add_copies(tx, run, [(job.key, paths) for paths in names])


def test_a_copy_that_is_asked_for_later_is_made_by_the_next_worker_for_nothing(harness, world):
    job = apply(world)
    harness.drain()
    add_later(world, job, ("late.png",))
    money = world.account()
    harness.drain()
    assert files(world)[-1] == ("stored", "late.png")
    assert (world.account(), len(harness.provider.posts)) == (money, 1)
    assert len(harness.artifacts.requests) == 1  # nothing is downloaded again


def test_a_copy_that_is_asked_for_while_its_picture_is_fetched_is_made_too(harness, world):
    job = apply(world)
    normal = harness.artifacts.store

    async def store(request):
        add_later(world, job, ("late.png",))
        return await normal(request)

    harness.artifacts.store = store
    harness.drain()
    assert files(world)[-1] == ("stored", "late.png")


def test_what_is_of_nothing_is_absent_like_the_picture_itself(harness, world):
    apply(world, ("b-0.png", "b-1.png"), images=2)
    one = ("https://out.example/only/0.png",)
    harness.provider.next_endings.append(Ending(fields={"outputs": one, "nsfw": (False,)}))
    harness.drain()
    states = [state for state, _ in files(world)]
    assert states == ["stored", "absent", "stored", "absent"]


def test_a_taken_name_is_left_alone_and_the_copy_lies_beside(harness, world):
    apply(world, ("b.png",))
    harness.artifacts.files["b.png"] = "somebody else's"
    harness.drain()
    assert files(world)[-1] == ("stored", "b~1.png")
    assert harness.artifacts.files["b.png"] == "somebody else's"


def test_a_full_disk_is_waited_for_before_the_job_ends(harness, world):
    apply(world, ("b.png",))
    harness.artifacts.next_copies.extend([FetchFault.STORAGE] * 3)
    harness.run_for(120)
    assert (world.jobs(), files(world)[-1]) == ({"succeeded": 1}, ("stored", "b.png"))


def test_a_picture_that_is_not_on_this_host_is_left_to_another_worker_and_ends_no_drain(harness, world):
    job = apply(world)
    harness.drain()
    kept = dict(harness.artifacts.files)
    harness.artifacts.files.clear()
    add_later(world, job, ("late.png",))
    harness.drain()
    assert files(world)[-1] == ("planned", None)
    assert any("late.png of job 1 is not made now" in notice for notice in harness.notices)
    harness.artifacts.files.update(kept)
    harness.drain()
    assert files(world)[-1] == ("stored", "late.png")


def test_no_copy_is_made_for_a_job_that_fails_and_all_are_when_it_is_retried(harness, world):
    apply(world, ("b.png",))
    harness.provider.next_endings.append(Ending(Status.FAILED, {"error": "moderated", "code": 1200}))
    harness.drain()
    assert (world.jobs(), harness.artifacts.copies) == ({"failed": 1}, [])
    retry_jobs(world.database, JobFilter(ids=(1,)), SIGNED)
    harness.drain()
    assert files(world)[-1] == ("stored", "b.png")


def test_both_files_are_listed_and_the_copy_says_so_and_is_flagged_alike(harness, world):
    apply(world, ("b.png",))
    harness.drain()
    with world.database.write() as tx:
        tx.conn.execute(outputs.update().where(outputs.c.idx == 0).values(nsfw=True))
    with world.database.read() as tx:
        (job,) = list_jobs(tx, JobFilter())
        assert count_pictures(tx, JobFilter()) == 2
    assert [(row.path, row.is_copy, row.index, row.nsfw) for row in job.outputs] == [
        ("hero/1-v1-0.png", False, 0, True),
        ("b.png", True, 0, True),
    ]
    assert replace(job.outputs[1], is_copy=False, path=job.outputs[0].path).sha256 == job.outputs[0].sha256
