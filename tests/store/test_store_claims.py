"""What a claim takes, and what keeps it from taking more."""

from itertools import pairwise

from support.world import PRICE, spec

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.claiming import claim, staging
from orchestrator.store.db.schema import Scope


def numbers(claimed):
    return [item.params["prompt"] for item in claimed]


# --- what is claimed ---


def test_a_claim_leases_and_holds_the_price(world):
    world.run(1)
    (claimed,) = world.claim()
    attempt = world.attempt(claimed)
    assert (attempt.state, attempt.worker, attempt.epoch, attempt.number) == ("leased", "w1", 1, 1)
    assert attempt.lease_expires_at == world.clock.now_ms() + 60_000
    assert (attempt.reservation, attempt.price_micros, attempt.day) == ("held", PRICE, "2026-11-22")
    job = world.job(claimed)
    assert (job.state, job.queue, job.attempts, job.tries_left) == ("running", None, 1, 3)
    assert world.account() == (0, PRICE, 0)
    world.check_money()


def test_a_job_is_claimed_once(world):
    world.run(3)
    assert len(world.claim(2)) == 2
    assert len(world.claim(2)) == 1
    assert world.claim(2) == ()


def test_a_claim_takes_no_more_than_it_wants(world):
    world.run(5)
    assert len(world.claim(3)) == 3
    assert world.jobs() == {"running": 3, "pending": 2}


def test_only_the_named_runs_are_claimed(world):
    world.run(2, name="a")
    wanted = world.run(2, name="b")
    assert {item.run_id for item in world.claim(run_ids=frozenset({wanted.id}))} == {wanted.id}
    assert world.jobs() == {"running": 2, "pending": 2}


def test_a_claim_says_what_to_send(world):
    world.apply([spec(4, images=2)])
    (claimed,) = world.claim()
    assert claimed.params["prompt"] == "hero 4"
    assert (claimed.images, claimed.price_micros, claimed.model) == (2, PRICE, "kwaivgi/kling-image-o3/edit")


def test_every_attempt_has_its_own_token_and_number(world):
    world.run(1)
    first = world.until(AttemptState.ABANDONED)
    second = world.lease()
    assert [world.attempt(held).number for held in (first, second)] == [1, 2]
    assert world.attempt(first).token != world.attempt(second).token


# --- order ---


def test_higher_priority_goes_first(world):
    world.run(2, name="low", priority=1)
    world.run(2, name="high", priority=9)
    assert [text.split("/")[1] for text in numbers(world.claim(3))] == ["high", "high", "low"]


def test_every_job_gets_its_first_variation_before_any_gets_its_second(world):
    world.apply([spec(number, variation=variation) for number in range(2) for variation in (1, 2)])
    order = [world.job(item).variation for item in world.claim()]
    assert order == [1, 1, 2, 2]


def test_first_variations_come_first_across_prices_of_a_campaign(world):
    world.apply([spec(0, variation=2), spec(1, price=PRICE * 2, variation=1)])
    assert numbers(world.claim(1)) == ["hero 1"]


def test_campaigns_of_equal_priority_take_turns_in_one_claim(world):
    world.run(5, campaign="a")
    world.run(5, campaign="b")
    assert [text[0] for text in numbers(world.claim(6))] == ["a", "b"] * 3


def test_campaigns_of_equal_priority_take_turns_when_slots_free_up_one_by_one(world):
    world.run(5, campaign="a")
    world.run(5, campaign="b")
    order = [numbers(world.claim(1))[0][0] for _ in range(6)]
    assert sorted(order) == ["a", "a", "a", "b", "b", "b"]


def test_a_small_campaign_does_not_wait_behind_a_large_one(world):
    world.run(50, campaign="large")
    world.claim(20)
    world.run(2, campaign="small")
    order = [text.split("/")[0] for text in numbers(world.claim(4))]
    assert order[0] == "small"
    assert order.count("small") == 2


# --- slots ---


# --- the rate ---


# --- pauses ---


# --- waiting jobs and idle lanes ---


def test_staging_is_bounded_and_comes_in_order_of_time(world, monkeypatch):
    monkeypatch.setattr(staging, "STAGE_MAX", 2)
    world.run(3)
    for delay, held in enumerate([world.lease() for _ in range(3)]):
        world.give_back(held, delay_ms=100 - delay)
    world.clock.advance_ms(1000)
    with world.database.write() as tx:
        assert staging.stage(tx) == 2
    assert [row.queue for row in world.rows(claim.jobs)] == ["waiting", "ready", "ready"]


def test_a_full_queue_of_one_campaign_does_not_hide_another_behind_its_limit(world):
    world.run(30, campaign="a")
    world.run(1, campaign="b")
    assert "b" in {text[0] for text in numbers(world.claim(2))}


# --- money ---


def test_a_lane_that_is_too_dear_does_not_stand_in_the_way(world):
    dear = world.run(3, price=90_000, priority=9)
    world.run(3, price=10_000, name="cheap")
    world.cap(50_000)
    claimed = world.claim()
    assert [item.price_micros for item in claimed] == [10_000] * 3
    assert dear.id not in {item.run_id for item in claimed}


def test_a_campaign_at_its_cap_does_not_stand_in_the_way_of_others(world):
    run = world.run(3, campaign="capped", priority=9)
    world.cap(PRICE, Scope.CAMPAIGN, run.campaign_id)
    world.run(2, campaign="free")
    assert len(world.claim()) == 3
    assert world.claim() == ()
    world.check_money()


def test_a_campaigns_cap_counts_over_its_runs(world):
    run = world.run(2, name="a")
    world.run(2, name="b")
    world.cap(PRICE * 3, Scope.CAMPAIGN, run.campaign_id)
    assert len(world.claim()) == 3


def test_a_cap_is_used_to_the_last_micro(world):
    world.run(3)
    world.cap(PRICE * 2)
    assert len(world.claim()) == 2
    world.cap(PRICE * 3 - 1)
    assert world.claim() == ()
    world.cap(PRICE * 3)
    assert len(world.claim()) == 1


def test_claims_in_a_row_are_numbered_without_gaps(world):
    world.run(6)
    ids = [item.attempt_id for _ in range(3) for item in world.claim(2)]
    assert all(later == earlier + 1 for earlier, later in pairwise(ids))


def test_two_requests_in_one_transaction_share_what_is_left(world):
    world.run(5)
    world.cap(PRICE * 4)
    world.limit(concurrency=3)
    with world.database.write() as tx:
        first, second = claim.claim(tx, [world.request(2), world.request(2, "w2")])
    assert (len(first.claimed), len(second.claimed)) == (2, 1)
    world.check_money()


def test_a_given_back_attempt_frees_slot_and_money_but_not_the_rate(world):
    world.run(1)
    world.limit(submits_per_minute=1)
    held = world.until(AttemptState.SUBMITTING)
    world.give_back(held, AttemptEvent.THROTTLED)
    assert world.account() == (0, 0, 0)
    assert world.claim() == ()
