"""`reserve: chain`: a chain that was begun can be finished, whoever else spends under the same caps."""

import pytest
from support.staged import Staged
from support.world import PRICE

from orchestrator.core.budget import day_of
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.claiming import chains
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.schema import Scope
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.reachable import beyond_caps
from orchestrator.store.stops.stops import BUDGET, survey

CHAIN = {"chain_reserved": True}


@pytest.fixture
def staged(world):
    return Staged(world)


def kept(staged) -> int:
    with staged.world.database.read() as tx:
        return chains.kept(tx).under(Scope.ACCOUNT, 0)


def ways(staged) -> tuple[bool, list]:
    """Whether something goes on by itself, and what stops the rest for money."""
    with staged.world.database.read() as tx:
        stops = [stop for stop in survey(tx, "UTC").stops if stop.reason == BUDGET]
        return not outlook(tx, "UTC").finished, stops


def test_only_chains_are_begun_that_the_cap_can_finish(staged):
    staged.apply(3, **CHAIN)
    staged.world.cap(5 * PRICE)
    assert len(staged.world.claim()) == 2
    assert kept(staged) == 2 * PRICE
    assert staged.world.claim() == ()


def test_where_every_hop_is_for_itself_all_are_begun(staged):
    staged.apply(3)
    staged.world.cap(5 * PRICE)
    assert len(staged.world.claim()) == 3
    assert kept(staged) == 0


def test_each_claim_by_itself_counts_what_those_before_it_have_kept(staged):
    staged.apply(3, stages=("cutout", "upscale"), **CHAIN)
    staged.world.cap(7 * PRICE)
    assert [len(staged.world.claim(1)) for _ in range(3)] == [1, 1, 0]
    assert kept(staged) == 4 * PRICE


def test_a_chain_that_was_begun_is_finished_with_what_is_kept_for_it(staged):
    staged.apply(3, accepted=False, **CHAIN)
    staged.world.cap(4 * PRICE)
    made = [staged.make() for _ in range(4)]
    assert sorted(made) == [
        row.id for row in (staged.base(0), staged.base(1), staged.cutout(0), staged.cutout(1))
    ]
    moves, (stop,) = ways(staged)
    assert (moves, stop.cap.remaining_micros) == (False, 0)
    staged.world.check_money()


def test_another_run_leaves_what_is_kept_and_is_told_so(staged):
    staged.apply(1, **CHAIN)
    staged.make()
    other = staged.world.run(3, name="other")
    staged.world.cap(3 * PRICE)
    assert [each.run_id for each in staged.world.claim()] == [other.id]
    moves, (stop,) = ways(staged)
    assert not staged.world.claim()
    assert moves  # the one that was claimed
    assert "$0.028 is kept for what follows from jobs that were begun" in stop.message
    staged.say(JobVerdict.ACCEPTED, staged.base(0).id)
    assert len(staged.world.claim()) == 1
    staged.world.check_money()


def test_money_of_a_chain_that_comes_to_nothing_is_free_again(staged):
    staged.apply(2, **CHAIN)
    staged.world.cap(3 * PRICE)
    staged.say(JobVerdict.REJECTED, made := staged.make())
    assert kept(staged) == 0
    assert len(staged.world.claim()) == 1
    staged.say(JobVerdict.ACCEPTED, made)
    assert kept(staged) == 2 * PRICE


def test_a_job_that_failed_keeps_nothing_and_its_further_try_asks_for_all_of_it(staged):
    staged.apply(1, **CHAIN)
    failed = staged.world.until(AttemptState.FAILED).job_id
    assert kept(staged) == 0
    staged.redo(failed)
    staged.world.cap(PRICE)
    assert staged.world.claim() == ()
    staged.world.cap(2 * PRICE)
    assert len(staged.world.claim()) == 1
    assert kept(staged) == PRICE


def test_a_further_try_asks_for_what_its_first_try_could_not_bring_and_for_nothing_that_is_kept(staged):
    staged.apply(1, images=2, accepted=False, **CHAIN)
    held = staged.world.lease()
    staged.world.send(held)
    staged.world.accept(held)
    staged.world.complete(held, 2)
    staged.finish(held, 2, flagged=(1,))
    again = staged.redo(held.job_id)
    with staged.world.database.read() as tx:
        assert chains.follows(tx, [again]) == {again: PRICE}
    assert kept(staged) == PRICE


def test_what_cannot_be_begun_is_told_with_all_it_asks_and_counted_as_beyond_the_cap(staged):
    staged.apply(3, **CHAIN)
    staged.world.cap(3 * PRICE)
    staged.make()
    moves, (stop,) = ways(staged)
    assert not moves
    assert "the next job costs $0.028, and $0.028 what follows from it" in stop.message
    with staged.world.database.read() as tx:
        lanes = pending_lanes(tx, day_of(tx.now, "UTC"))
        assert beyond_caps(tx, lanes, 2) == 2


def test_a_run_without_stages_is_as_before_where_chains_are_reserved(staged):
    staged.apply(3, stages=(), **CHAIN)
    staged.world.cap(2 * PRICE)
    assert len(staged.world.claim()) == 2
