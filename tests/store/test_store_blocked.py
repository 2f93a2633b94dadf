"""Later stages: what is said of jobs that wait for pictures, and what operators do with them."""

import pytest
from support.staged import Staged

from orchestrator.actions.operator import explain
from orchestrator.core.states import AttemptState, JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import blocked, order
from orchestrator.store.runs.blocked import BlockedCounts
from orchestrator.store.runs.jobs import cancel, retry
from orchestrator.store.views.jobs.detail import job_detail


@pytest.fixture
def staged(world):
    return Staged(world)


def why(staged, number: int = 0) -> str:
    with staged.world.database.read() as tx:
        return explain.why(job_detail(tx, staged.cutout(number).id, "UTC"))


def test_a_job_says_what_its_picture_waits_for_and_what_to_do(staged):
    staged.apply(1)
    base = staged.base(0).id
    assert f"picture 1 of job {base}, which is not made yet" in why(staged)
    staged.make()
    assert f"orchestrator accept {base}" in why(staged)
    staged.say(JobVerdict.REJECTED, base)
    assert f"rejected. To make another: orchestrator redo {base}" in why(staged)
    again = staged.redo(base)
    assert "which is not made yet" in why(staged)
    assert staged.make() == again
    assert f"orchestrator accept {again}" in why(staged)
    staged.say(JobVerdict.ACCEPTED, again)
    assert why(staged).startswith("Ready")


def test_of_a_chain_only_the_first_one_that_waits_names_what_is_to_be_accepted(staged):
    staged.apply(1, stages=("cutout", "upscale"))
    base = staged.make()
    assert f"orchestrator accept {base}" in why(staged)
    assert f"an accepted one itself: orchestrator jobs show {staged.cutout(0).id}" in why(staged, 1)


def test_a_job_after_one_that_failed_says_so_and_those_after_it_too(staged):
    staged.apply(1, stages=("cutout", "upscale"))
    staged.world.until(AttemptState.FAILED)
    assert f"jobs retry {staged.base(0).id}" in why(staged)
    assert f"orchestrator jobs show {staged.cutout(0).id}" in why(staged, 1)
    with staged.world.database.read() as tx:
        assert blocked.of_runs(tx)[staged.run().id] == BlockedCounts(none=2)


def test_flagged_and_missing_pictures_are_never_taken(staged):
    """Invariant 5: a missing image means no POST."""
    staged.apply(1, accepted=False, images=2)
    held = staged.world.until(AttemptState.FETCHING)
    staged.finish(held, flagged=(0,), expected=2)
    assert staged.world.claim() == ()
    assert "is flagged" in why(staged, 0)
    assert "fewer pictures" in why(staged, 1)


def test_held_jobs_are_given_their_picture_and_run_when_they_are_released(staged):
    staged.apply(1, accepted=False)
    cutout = staged.cutout(0).id
    with staged.world.database.write() as tx:
        order.hold(tx, [cutout], "not yet")
    staged.make()
    assert staged.world.claim() == ()
    with staged.world.database.write() as tx:
        order.release(tx, [cutout])
    assert [each.job_id for each in staged.world.claim()] == [cutout]


def test_a_job_that_is_released_or_retried_without_its_picture_waits_for_it(staged):
    staged.apply(1)
    cutout = staged.cutout(0).id
    with staged.world.database.write() as tx:
        order.hold(tx, [cutout], "not yet")
        order.release(tx, [cutout])
    assert staged.cutout(0).reason == "needs_picture"
    with staged.world.database.write() as tx:
        cancel(tx, [cutout])
        retry(tx, [cutout])
    assert (staged.cutout(0).queue, staged.cutout(0).reason) == ("waiting", "needs_picture")


def test_a_job_that_is_tried_again_takes_what_is_chosen_then(staged):
    staged.apply(1, accepted=False)
    base = staged.make()
    held = staged.world.until(AttemptState.IN_FLIGHT)
    staged.redo(base)
    second = staged.make()
    staged.world.fail(held)
    cutout = staged.cutout(0)
    assert (cutout.state, cutout.needs_sha256) == (JobState.PENDING, staged.sha_of(2))
    assert second != base


def test_a_further_try_of_a_stage_takes_the_choice_of_now(staged):
    staged.apply(1, accepted=False)
    base, cutout = staged.make(), staged.make()
    staged.redo(base)
    staged.make()
    again = staged.redo(cutout)
    (claimed,) = staged.world.claim()
    assert claimed.job_id == again
    assert claimed.local_images["@picture"]["sha256"] == staged.sha_of(2)
    assert staged.world.job(again).needs_job == base


def test_the_claim_itself_sees_what_nobody_has_settled(staged):
    """Invariant 5: what is not to be sent is not, whatever was missed before."""
    staged.apply(1, accepted=False)
    made = staged.make()
    with staged.world.database.write() as tx:
        tx.conn.execute(jobs.update().where(jobs.c.id == made).values(verdict="rejected"))
    assert staged.cutout(0).queue == "ready"
    assert staged.world.claim() == ()
    assert staged.cutout(0).reason == "needs_picture"
