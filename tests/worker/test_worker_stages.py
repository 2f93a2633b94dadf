"""Later stages: a worker sends the pictures that it has made, and ends when what is left waits for a word."""

from pathlib import Path

import pytest
from attempt_states import states
from support.artifacts import FakeArtifacts
from support.harness import WorkerHarness
from support.staged import Staged

from orchestrator.actions.operator.exit_code import exit_code, facts_of
from orchestrator.core.errors import ExitCode
from orchestrator.core.verdicts import JobVerdict
from orchestrator.ports import ArtifactRequest, FetchOutcome, StoredArtifact
from orchestrator.store.db.schema import jobs, lanes, outputs
from orchestrator.store.stops.picture_waits import UNJUDGED
from orchestrator.store.stops.stops import survey
from orchestrator.store.views.runs.progress import run_progress

pytestmark = pytest.mark.usefixtures("seldom_idle")


class FilesOnDisk(FakeArtifacts):
    """Stores whatever is at the end of its URL as a file of that text."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        stored = await super().store(request)
        if isinstance(stored, StoredArtifact):
            path = self.root / stored.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(request.url.partition("?")[0])
        return stored


@pytest.fixture
def harness(sqlite_world, provider, tmp_path) -> WorkerHarness:
    found = WorkerHarness(sqlite_world, provider, FilesOnDisk(tmp_path))
    found.change("outputs", root=str(tmp_path))
    return found


@pytest.fixture
def staged(world):
    return Staged(world)


def ended(world) -> ExitCode:
    with world.database.read() as tx:
        stops = survey(tx, "UTC").stops
        return exit_code(facts_of(run_progress(tx, None), stops, interrupted=False))


def test_a_picture_is_uploaded_once_and_sent_in_the_place_of_the_job_that_made_it(harness, world, staged):
    staged.apply(1, accepted=False, stages=("cutout", "upscale"))
    harness.drain()
    assert world.jobs() == {"succeeded": 3}
    made = {row.job_id: row.sha256 for row in world.rows(outputs)}
    base, cutout, upscale = world.rows(jobs)
    assert harness.provider.uploads == [made[base.id], made[cutout.id]]
    assert (cutout.needs_sha256, upscale.needs_sha256) == (made[base.id], made[cutout.id])
    assert [inputs["images"][0] for _, inputs in harness.provider.posts][1:] == [
        "https://hosted.example/1.png",
        "https://hosted.example/2.png",
    ]
    assert ended(world) is ExitCode.DONE


def test_a_drain_ends_when_all_that_is_left_waits_for_a_word(harness, world, staged):
    staged.apply(2)
    harness.drain(limit_seconds=600)
    assert world.jobs() == {"succeeded": 2, "pending": 2}
    assert ended(world) is ExitCode.OPERATOR
    with world.database.read() as tx:
        assert [stop.reason for stop in survey(tx, "UTC").stops] == [UNJUDGED]
    staged.say(JobVerdict.ACCEPTED, staged.base(0).id)
    harness.drain(limit_seconds=600)
    assert world.jobs() == {"succeeded": 3, "pending": 1}


def test_a_drain_ends_when_pictures_do_not_come_and_failures_are_what_is_told(harness, world, staged):
    staged.apply(1)
    held = world.lease()
    world.send(held)
    world.reject(held)
    harness.drain(limit_seconds=600)
    assert world.jobs() == {"failed": 1, "pending": 1}
    assert ended(world) is ExitCode.SOME_FAILED


def test_a_picture_that_has_moved_is_found_by_its_bytes(harness, world, staged, tmp_path):
    staged.apply(1, stages=())
    harness.drain()
    first = staged.base(0).id
    staged.apply(1)
    staged.say(JobVerdict.ACCEPTED, first)
    (row,) = (row for row in world.rows(outputs) if row.job_id == first)
    (tmp_path / row.stored_path).rename(tmp_path / "elsewhere.png")
    with world.database.write() as tx:
        tx.conn.execute(outputs.update().where(outputs.c.job_id == first).values(stored_path="elsewhere.png"))
    harness.drain()
    assert world.jobs() == {"succeeded": 2}


def test_where_the_picture_is_not_nothing_is_sent_and_another_folder_may_have_it(
    harness, world, staged, tmp_path
):
    staged.apply(1, stages=())
    harness.drain()
    staged.say(JobVerdict.ACCEPTED, staged.base(0).id)
    staged.apply(1)
    (row,) = (row for row in world.rows(outputs) if row.stored_path)
    text = (tmp_path / row.stored_path).read_text()
    (tmp_path / row.stored_path).write_text("something else")
    harness.run_for(100)
    assert len(harness.provider.posts) == 1
    assert states(world)[1:] == [("abandoned", "picture_not_here")] * 2  # a minute apart
    assert staged.cutout(0).state == "pending"
    (tmp_path / row.stored_path).write_text(text)
    harness.drain()
    assert world.jobs() == {"succeeded": 2}


def test_a_job_that_does_not_know_whose_picture_it_takes_is_never_sent(harness, world, staged):
    staged.apply(1)
    with world.database.write() as tx:  # as from a sidecar of an earlier version
        unknown = {"needs_job": None, "needs_index": None, "queue": "ready", "reason": None}
        tx.conn.execute(jobs.update().where(jobs.c.id == staged.cutout(0).id).values(**unknown))
        tx.conn.execute(lanes.update().values(idle=False))
    harness.drain()
    assert len(harness.provider.posts) == 1
    lost = staged.base(1)
    assert (lost.state, lost.reason) == ("failed", "input_changed")
    assert "apply the manifest again" in lost.message
    world.check_money()


def test_what_was_missed_is_found_by_a_worker_before_it_ends(harness, world, staged):
    staged.apply(1)
    made = staged.make()
    with world.database.write() as tx:  # as a database that is made again would have it
        tx.conn.execute(jobs.update().where(jobs.c.id == made).values(verdict="accepted"))
    held = world.claim()
    assert held == ()
    harness.run_for(30)
    assert staged.cutout(0).needs_sha256 == staged.sha_of(0)
