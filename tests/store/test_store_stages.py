"""Jobs of later stages: known from the start, and waiting until their picture is there."""

import pytest
from support.staged import Staged

from orchestrator.core.nights import Leftovers, NightRule, Regenerate
from orchestrator.core.states import AttemptState, JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.schema import jobs, lanes, outputs
from orchestrator.store.runs import blocked
from orchestrator.store.views.jobs.following import FollowingStage, following

CHANGED = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL)


@pytest.fixture
def staged(world):
    return Staged(world)


def test_a_job_that_needs_a_picture_waits_until_that_is_accepted(staged):
    added = staged.apply(1)
    assert added.new == 2
    cutout = staged.cutout(0)
    assert (cutout.state, cutout.queue, cutout.due_at) == (JobState.PENDING, "waiting", None)
    assert (cutout.reason, cutout.needs_sha256) == ("needs_picture", None)
    staged.make()
    assert staged.world.claim() == ()
    staged.say(JobVerdict.ACCEPTED, staged.base(0).id)
    (claimed,) = staged.world.claim()
    assert claimed.job_id == cutout.id
    assert claimed.local_images["@picture"]["sha256"] == staged.sha_of(0)


def test_where_all_are_taken_a_stored_picture_is_enough_and_a_rejected_one_is_not(staged):
    staged.apply(2, accepted=False)
    first = staged.make()
    second = staged.make()
    staged.say(JobVerdict.REJECTED, second)
    (claimed,) = staged.world.claim()
    assert staged.world.job(claimed).needs_job == first


def test_a_rejected_picture_is_taken_back_while_the_job_waits(staged):
    staged.apply(1)
    made = staged.make()
    staged.say(JobVerdict.ACCEPTED, made)
    assert staged.cutout(0).queue == "ready"
    staged.say(JobVerdict.REJECTED, made)
    cutout = staged.cutout(0)
    assert (cutout.queue, cutout.reason, cutout.needs_sha256) == ("waiting", "needs_picture", None)
    assert "@picture" not in staged.images(cutout.id)
    assert staged.world.claim() == ()


def test_a_claimed_job_is_made_of_what_it_was_given(staged):
    staged.apply(1)
    made = staged.make()
    staged.say(JobVerdict.ACCEPTED, made)
    held = staged.world.lease()
    staged.say(JobVerdict.REJECTED, made)
    assert staged.world.job(held).needs_sha256 == staged.sha_of(0)
    assert staged.world.job(held).state == JobState.RUNNING


def test_applying_again_adds_nothing_and_jobs_may_come_after_their_source(staged):
    staged.apply(2, stages=())
    assert staged.apply(2).new == 2
    assert staged.apply(2).existing == 4
    assert [staged.cutout(number).needs_job for number in range(2)] == [
        staged.base(number).id for number in range(2)
    ]


def test_a_job_whose_source_is_made_already_has_its_picture_at_once(staged):
    staged.apply(1, stages=())
    staged.say(JobVerdict.ACCEPTED, staged.make())
    staged.apply(1)
    assert staged.cutout(0).queue == "ready"


def test_a_stage_may_need_another_stage(staged):
    staged.apply(1, stages=("cutout", "upscale"), accepted=False)
    base, cutout, upscale = staged.world.rows(jobs)
    assert (cutout.needs_job, upscale.needs_job) == (base.id, cutout.id)
    made = [staged.make() for _ in range(3)]
    assert made == [base.id, cutout.id, upscale.id]


def test_a_job_is_not_claimed_before_its_picture_is_stored_whatever_else_is(staged):
    """Invariant 5: a missing image means no POST."""
    staged.apply(1, accepted=False)
    held = staged.world.until(AttemptState.FETCHING)
    assert staged.world.claim() == ()
    staged.finish(held)
    assert len(staged.world.claim()) == 1


def test_a_second_night_reuses_what_was_made_of_the_same_picture(staged):
    staged.apply(1, accepted=False, run_key="n1", rule=CHANGED)
    staged.make()
    staged.make()
    added = staged.apply(1, accepted=False, run_key="n2", rule=CHANGED)
    assert (added.new, added.reused) == (0, 2)
    base, cutout = staged.world.rows(jobs)[2:]
    assert (cutout.needs_job, cutout.needs_sha256) == (base.id, staged.sha_of(0))


def test_a_second_night_makes_anew_what_was_made_of_another_picture(staged):
    staged.apply(1, accepted=False, run_key="n1", rule=CHANGED)
    base = staged.make()
    staged.make()
    staged.redo(base)
    staged.make()
    added = staged.apply(1, accepted=False, run_key="n2", rule=CHANGED)
    assert (added.new, added.reused) == (1, 1)
    (claimed,) = staged.world.claim()
    assert claimed.local_images["@picture"]["sha256"] == staged.sha_of(2)


def test_what_follows_from_a_job_that_is_made_anew_is_made_anew(staged):
    staged.apply(1, accepted=False, run_key="n1", rule=CHANGED)
    base = staged.make()
    staged.make()
    staged.say(JobVerdict.REJECTED, base)
    added = staged.apply(1, accepted=False, run_key="n2", rule=CHANGED)
    assert (added.new, added.reused) == (2, 0)


def test_what_an_earlier_night_left_waiting_is_asked_for_by_the_later_one(staged):
    staged.apply(1, run_key="n1", rule=CHANGED)
    base = staged.make()
    added = staged.apply(1, run_key="n2", rule=CHANGED)
    assert (added.new, added.reused, added.superseded) == (1, 1, 1)
    staged.say(JobVerdict.ACCEPTED, base)  # of the earlier night, whose picture the later one points at
    (claimed,) = staged.world.claim()
    assert claimed.job_id == staged.world.rows(jobs)[-1].id


def test_what_another_night_makes_of_the_same_picture_is_not_bought_beside_it(staged):
    """Invariant 2, over nights: a job that may have a paid prediction is never submitted again."""
    staged.apply(1, accepted=False, run_key="n1", rule=CHANGED)
    staged.make()
    staged.world.until(AttemptState.IN_DOUBT)
    added = staged.apply(1, accepted=False, run_key="n2", rule=CHANGED)
    assert (added.new, added.reused, added.under_way) == (0, 1, 1)


def test_money_is_kept_for_a_chain_where_the_manifest_says_so(staged):
    staged.apply(1, chain_reserved=True)
    assert staged.run().chain_reserved
    staged.apply(1)
    assert not staged.run().chain_reserved
    assert len(staged.world.rows(lanes)) == 1


def test_what_waits_for_a_picture_counts_by_stage_also_where_a_later_run_points_at_it(staged):
    staged.apply(1, accepted=False, run_key="n1", rule=CHANGED)
    staged.make()
    staged.make()
    staged.apply(1, accepted=False, run_key="n2", rule=CHANGED, stages=("cutout", "banner"))
    made = staged.cutout(0).id
    with staged.world.database.read() as tx:
        assert following(tx, [made]) == [FollowingStage("banner", ready=1, lacking=0)]
        assert following(tx, [staged.base(0).id]) == []
    staged.say(JobVerdict.REJECTED, made)
    with staged.world.database.read() as tx:
        assert following(tx, [made]) == [FollowingStage("banner", ready=0, lacking=1)]


def test_a_flagged_picture_that_was_discarded_is_told_as_flagged(staged):
    staged.apply(1)
    made = staged.make()
    with staged.world.database.write() as tx:
        tx.conn.execute(outputs.update().where(outputs.c.job_id == made).values(state="discarded", nsfw=True))
    waiting = staged.cutout(0).id
    with staged.world.database.read() as tx:
        found = blocked.of_jobs(tx, [waiting])[waiting]
    assert (found.lack, found.why) == (blocked.Lack.NONE, "flagged")
