"""Lanes: when they are open, and what one transaction sees of them."""

import pytest
from support.artifacts import picture
from support.world import PRICE, spec

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.account import rate_window
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import lanes
from orchestrator.store.runs import jobs


def test_a_job_waits_until_it_is_due(world):
    world.run(1)
    held = world.lease()
    world.give_back(held, delay_ms=5000)
    result = world.do(claim.claim, world.request())
    assert (result.claimed, result.retry_at) == ((), world.clock.now_ms() + 5000)
    world.clock.advance_ms(4999)
    assert world.claim() == ()
    world.clock.advance_ms(1)
    assert len(world.claim()) == 1


def test_a_lane_without_ready_jobs_is_closed(world):
    world.run(1)
    world.claim()
    world.claim()
    assert [row.idle for row in world.rows(lanes)] == [True]


@pytest.mark.parametrize("way", ["apply", "stage", "retry", "rescue"])
def test_a_closed_lane_is_open_again_once_a_job_is_ready(world, way):
    world.run(1)
    held = world.until(AttemptState.FAILED) if way == "retry" else world.lease()
    world.claim()
    assert [row.idle for row in world.rows(lanes)] == [True]
    match way:
        case "apply":
            world.apply([spec(7)])
        case "stage":
            world.give_back(held, delay_ms=1)
            world.claim()
            world.clock.advance_ms(1)
        case "retry":
            with world.database.write() as tx:
                assert jobs.retry(tx, [held.job_id]) == [held.job_id]
        case "rescue":
            world.clock.advance_ms(60_001)
            world.rescue()
    assert len(world.claim()) == 1


def test_a_job_that_becomes_ready_may_be_claimed_in_the_same_transaction(world):
    world.run(1)
    held = world.lease()
    assert world.claim() == (), "which closes the lane"
    with world.database.write() as tx:
        row = endings.GiveBack(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            event=AttemptEvent.RELEASED,
            delay_ms=0,
            reason="released",
            message="given back",
        )
        endings.give_back(tx, [row])
        (result,) = claim.claim(tx, [world.request()])
    assert [claimed.job_id for claimed in result.claimed] == [held.job_id]
    world.check_money()


def test_what_a_transaction_has_granted_counts_for_its_claim(world):
    world.run(2)
    world.limit(submits_per_minute=1)
    stale = world.lease()
    world.clock.advance(62)
    with world.database.write() as tx:
        assert lifecycle.begin_submit(tx, [lifecycle.BeginSubmit(stale.attempt_id, stale.epoch)]) == ["go"]
        (result,) = claim.claim(tx, [world.request()])
    assert result.claimed == (), "the one submission of this minute is taken"
    assert result.retry_at > world.clock.now_ms() + rate_window.WINDOW_MS
    world.check_money()


def test_what_a_transaction_has_settled_stays_in_the_books_when_it_claims(world):
    world.run(2)
    done = world.until(AttemptState.FETCHING)
    with world.database.write() as tx:
        endings.finish(tx, [outputs.Finish(done.attempt_id, done.epoch, ((0, picture()),))])
        (result,) = claim.claim(tx, [world.request()])
    assert len(result.claimed) == 1
    assert world.account() == (PRICE, PRICE, 0)
    world.check_money()
