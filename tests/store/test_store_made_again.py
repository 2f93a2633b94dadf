"""A picture is chosen anew after a stage was made of the old one: applying again makes that once more."""

import pytest
from support.staged import SIGNED, Staged

from orchestrator.core.nights import Leftovers, NightRule, Regenerate
from orchestrator.core.states import AttemptState, JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.choosing.made_again import any_stale, make_again
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import stale_pictures


@pytest.fixture
def staged(world):
    return Staged(world)


def again(staged) -> int:
    with staged.world.database.write() as tx:
        return make_again(tx, staged.run().id, SIGNED, revisions={})


def stale(staged) -> dict:
    with staged.world.database.read() as tx:
        found = stale_pictures.totals(tx, staged.run().id)
        assert any_stale(tx, staged.run().id) is bool(found)
    return found


def test_what_follows_from_a_new_choice_is_made_once_more_however_often_it_is_applied(staged):
    staged.apply(2, accepted=False)
    for _ in range(4):
        staged.make()
    assert (stale(staged), again(staged)) == ({}, 0)
    staged.redo(staged.base(0).id)
    assert stale(staged) == {}  # it is not made yet
    staged.make()
    assert list(stale(staged).values()) == [(1, 28_000)]
    assert [again(staged), again(staged)] == [1, 0]
    assert stale(staged) == {}
    (claimed,) = staged.world.claim()
    made = staged.world.job(claimed)
    assert (made.redo_of, made.needs_sha256) == (staged.cutout(0).id, staged.sha_of(4))
    assert len({row.path for row in staged.world.outputs(made.id)}) == 1


def test_it_is_made_of_what_is_the_choice_when_it_is_claimed(staged):
    """Nothing is made of a picture that is not wanted any more."""
    staged.apply(1, accepted=False)
    base, _cutout = staged.make(), staged.make()
    second = staged.redo(base)
    staged.make()
    assert again(staged) == 1
    staged.say(JobVerdict.REJECTED, second)
    (claimed,) = staged.world.claim()
    assert staged.world.job(claimed).needs_sha256 == staged.sha_of(0)


def test_a_picture_that_comes_back_later_is_made_of_then(staged):
    staged.apply(1, accepted=False)
    base, _cutout = staged.make(), staged.make()
    second = staged.redo(base)
    staged.make()
    assert again(staged) == 1
    staged.say(JobVerdict.REJECTED, second)
    staged.make()  # of the first picture
    staged.say(JobVerdict.ACCEPTED, second)
    assert [again(staged), again(staged)] == [1, 0]
    made = staged.make()
    assert staged.world.job(made).needs_sha256 == staged.sha_of(2)


def test_a_picture_that_is_chosen_back_is_not_bought_again(staged):
    staged.apply(1, accepted=False)
    base, _cutout = staged.make(), staged.make()
    second = staged.redo(base)
    staged.make()
    again(staged)
    staged.make()
    staged.say(JobVerdict.REJECTED, second)
    assert (stale(staged), again(staged)) == ({}, 0)


def test_where_nothing_is_chosen_now_nothing_is_made(staged):
    staged.apply(1)
    base = staged.make()
    staged.say(JobVerdict.ACCEPTED, base)
    staged.make()
    staged.say(JobVerdict.REJECTED, base)
    assert (stale(staged), again(staged)) == ({}, 0)


def test_a_job_that_is_under_way_with_the_old_picture_is_made_again_beside_it(staged):
    """Invariant 2 holds: that attempt goes on, and the further try is a job of its own."""
    staged.apply(1, accepted=False)
    base = staged.make()
    held = staged.world.until(AttemptState.IN_DOUBT)
    staged.redo(base)
    staged.make()
    assert again(staged) == 1
    assert staged.world.attempt(held).state == AttemptState.IN_DOUBT


def test_what_was_never_made_is_not_made_again(staged):
    staged.apply(1, accepted=False)
    base = staged.make()
    staged.world.until(AttemptState.FAILED)
    staged.redo(base)
    staged.make()
    assert (stale(staged), again(staged)) == ({}, 0)


def test_a_reused_job_is_made_again_beside_the_pictures_that_it_has(staged):
    rule = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL)
    staged.apply(1, accepted=False, run_key="n1", rule=rule)
    base, _cutout = staged.make(), staged.make()
    staged.apply(1, accepted=False, run_key="n2", rule=rule)
    staged.redo(base)
    staged.make()
    last = staged.world.rows(jobs)[-2]
    assert last.state == JobState.REUSED
    with staged.world.database.write() as tx:
        assert make_again(tx, last.run_id, SIGNED, revisions={}) == 1
    made = staged.make()
    assert [row.state for row in staged.world.outputs(made)] == ["stored"]
