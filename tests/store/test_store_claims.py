"""What a claim takes, and what keeps it from taking more."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.databases import wipe
from support.world import PRICE, World, picture, spec

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.account import pauses, rate_limits
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import Scope, lanes, rate_grants
from orchestrator.store.doubts import doubts
from orchestrator.store.runs import campaigns, jobs


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


def test_slots_bound_what_is_leased_sent_running_or_in_doubt(world):
    world.run(6)
    for state in (
        AttemptState.LEASED,
        AttemptState.SUBMITTING,
        AttemptState.IN_FLIGHT,
        AttemptState.IN_DOUBT,
    ):
        world.until(state)
    world.limit(concurrency=4)
    assert world.claim() == ()
    world.limit(concurrency=5)
    assert len(world.claim()) == 1


@pytest.mark.parametrize(
    "state", [AttemptState.FETCHING, AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.ABANDONED]
)
def test_a_slot_is_free_once_nothing_runs_at_the_provider(world, state):
    world.run(2)
    world.limit(concurrency=1)
    world.until(state)
    assert len(world.claim()) == 1


@pytest.mark.parametrize(
    ("statuses", "free"),
    [(["completed", "failed"], 1), (["completed", "running"], 0), (["completed", "billed"], 0), ([], 0)],
)
def test_a_doubt_for_an_operator_takes_a_slot_until_every_task_it_may_have_created_has_ended(
    world, statuses, free
):
    world.run(3)
    world.limit(concurrency=1)
    held = world.until(AttemptState.IN_DOUBT)
    possible = tuple((f"t{at}", status, None, ()) for at, status in enumerate(statuses))
    world.do(doubts.set_aside, doubts.Ambiguous(held.attempt_id, held.epoch, possible))
    assert len(world.claim()) == free


def test_a_lowered_limit_stops_claims_and_disturbs_nothing(world):
    world.run(3)
    world.claim(2)
    world.limit(concurrency=1)
    assert world.claim() == ()
    assert world.attempts() == {"leased": 2}


# --- the rate ---


def test_the_rate_bounds_a_claim_until_the_window_has_passed(world):
    world.run(5)
    world.limit(submits_per_minute=2)
    assert len(world.claim()) == 2
    result = world.do(claim.claim, world.request())
    assert result.claimed == ()
    wait = result.retry_at - world.clock.now_ms()
    assert 60_000 < wait <= 60_000 + rate_limits.MARGIN_MS + rate_limits.BUCKET_MS
    world.clock.advance_ms(wait - 200)
    assert world.claim() == ()
    world.clock.advance_ms(200)
    assert len(world.claim()) == 2


@pytest.mark.parametrize("end", ["accepted", "lost", "its worker died"])
def test_a_post_that_is_answered_late_counts_until_then_and_from_then_on_and_only_once(world, end):
    world.run(6)
    world.limit(submits_per_minute=2)
    early, late = world.claim()
    world.send(early), world.send(late)
    world.accept(early)
    window = 60_000 + rate_limits.MARGIN_MS + rate_limits.BUCKET_MS
    world.clock.advance_ms(window)
    assert len(world.claim(5)) == 1, "the other may be on its way still"
    world.clock.advance_ms(window)
    if end == "accepted":
        world.accept(late)
    elif end == "lost":
        world.doubt(late)
    else:
        world.clock.advance(3600)
        world.rescue()
    assert len(world.claim(5)) == 1
    world.clock.advance(55)
    assert world.claim(5) == ()
    world.clock.advance(10)
    assert len(world.claim(5)) == 2


def test_an_aged_grant_of_the_window_moves_to_now_and_takes_nothing_more(world):
    world.run(4)
    world.limit(submits_per_minute=1)
    held = world.lease()
    world.clock.advance(30)
    assert world.send(held) is lifecycle.Send.GO
    assert sum(row.granted for row in world.rows(rate_grants)) == 1
    world.accept(held)
    world.clock.advance(59)
    assert world.claim() == (), "it counts from when it left"
    world.clock.advance(3)
    assert len(world.claim()) == 1


def test_an_aged_grant_that_left_the_window_needs_another(world):
    world.run(2)
    world.limit(submits_per_minute=1)
    first = world.lease()
    world.clock.advance(62)
    second = world.lease()
    assert world.send(second) is lifecycle.Send.GO
    world.accept(second)
    assert world.send(first) is lifecycle.Send.WAIT
    assert world.attempt(first).state == "leased"
    world.clock.advance(62)
    assert world.send(first) is lifecycle.Send.GO


def test_a_fresh_grant_needs_no_other(world):
    world.run(1)
    world.limit(submits_per_minute=1)
    held = world.lease()
    world.clock.advance_ms(rate_limits.GRANT_FRESH_MS)
    assert world.send(held) is lifecycle.Send.GO


@settings(max_examples=20)
@given(
    limit=st.integers(1, 3),
    steps=st.lists(
        st.tuples(
            st.sampled_from([0, 99, 400, 501, 9_999, 30_000, 55_000, 59_400, 60_599, 60_899]),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=15,
    ),
)
@example(limit=2, steps=[(0, 3, True), (55_000, 3, True)])
@example(limit=2, steps=[(0, 3, False), (501, 0, True), (59_400, 3, True), (99, 3, True)])
def test_no_minute_holds_more_submissions_than_the_limit(database, clock, entropy, limit, steps):
    """Whatever the rhythm of claims, delays and renewals: POSTs leave with a durable `submitting`."""
    wipe(database)
    world = World(database, clock, entropy)
    world.run(60)
    world.limit(submits_per_minute=limit)
    leased, sent = [], []
    for pause_ms, count, sends in steps:
        clock.advance_ms(pause_ms)
        leased.extend(world.claim(count))
        if sends:
            gone = [held for held in leased if world.send(held) is lifecycle.Send.GO]
            leased = [held for held in leased if held not in gone]
            sent.extend([clock.now_ms()] * len(gone))
    for start in sent:
        assert sum(1 for at in sent if start <= at < start + 60_000) <= limit


# --- pauses ---


@pytest.mark.parametrize("scope", ["account", "model", "campaign", "run"])
def test_a_pause_stops_its_scope_and_nothing_else(world, scope):
    run = world.run(1)
    other = world.run(1, campaign="other")
    name = {"account": "", "model": run.model, "campaign": str(run.campaign_id), "run": str(run.id)}[scope]
    with world.database.write() as tx:
        assert pauses.begin(tx, pauses.Pause(scope=scope, name=name, reason="paused", message="by a test"))
    expected = set() if scope in {"account", "model"} else {other.id}
    assert {item.run_id for item in world.claim()} == expected
    with world.database.write() as tx:
        assert pauses.end(tx=tx, scope=scope, name=name, reason="paused")
    assert {item.run_id for item in world.claim()} == {run.id, other.id} - expected


def test_a_pause_with_an_end_ends_by_itself(world):
    world.run(1)
    with world.database.write() as tx:
        pauses.begin(
            tx, pauses.Pause(scope="account", name="", reason="throttled", message="", until=tx.now + 1000)
        )
    assert world.claim() == ()
    world.clock.advance_ms(1000)
    assert len(world.claim()) == 1


def test_a_standing_pause_keeps_its_beginning_and_takes_the_new_words(world):
    with world.database.write() as tx:
        began = tx.now
        pauses.begin(tx, pauses.Pause(scope="account", name="", reason="storage", message="full"))
    world.clock.advance_ms(5000)
    with world.database.write() as tx:
        assert not pauses.begin(
            tx, pauses.Pause(scope="account", name="", reason="storage", message="read-only")
        )
        (standing,) = pauses.in_force(tx)
    assert (standing.since, standing.message) == (began, "read-only")
    assert len(world.events("paused")) == 1


def test_ending_a_pause_that_is_not_there_is_no_event(world):
    with world.database.write() as tx:
        assert not pauses.end(tx=tx, scope="account", name="", reason="storage")
    assert world.events("resumed") == []


def test_a_paused_campaign_is_resumed_by_name(world):
    world.run(1)
    with world.database.write() as tx:
        assert campaigns.pause(tx, "spring", "the art director is away")
        assert not campaigns.pause(tx, "spring", "again")
    assert world.claim() == ()
    with world.database.write() as tx:
        assert campaigns.resume(tx, "spring")
    assert len(world.claim()) == 1


# --- waiting jobs and idle lanes ---


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
    assert result.retry_at > world.clock.now_ms() + rate_limits.WINDOW_MS
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


def test_staging_is_bounded_and_comes_in_order_of_time(world, monkeypatch):
    monkeypatch.setattr(claim, "STAGE_MAX", 2)
    world.run(3)
    for delay, held in enumerate([world.lease() for _ in range(3)]):
        world.give_back(held, delay_ms=100 - delay)
    world.clock.advance_ms(1000)
    with world.database.write() as tx:
        assert claim.stage(tx) == 2
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
