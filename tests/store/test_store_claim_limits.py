"""Slots and the rate: how much a claim may take."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.databases import wipe
from support.world import World

from orchestrator.core.states import AttemptState
from orchestrator.store.account import rate_limits, rate_window
from orchestrator.store.attempts import lifecycle
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import rate_grants
from orchestrator.store.doubts import possible_tasks


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
    world.do(possible_tasks.set_aside, possible_tasks.Ambiguous(held.attempt_id, held.epoch, possible))
    assert len(world.claim()) == free


def test_a_lowered_limit_stops_claims_and_disturbs_nothing(world):
    world.run(3)
    world.claim(2)
    world.limit(concurrency=1)
    assert world.claim() == ()
    assert world.attempts() == {"leased": 2}


def test_the_rate_bounds_a_claim_until_the_window_has_passed(world):
    world.run(5)
    world.limit(submits_per_minute=2)
    assert len(world.claim()) == 2
    result = world.do(claim.claim, world.request())
    assert result.claimed == ()
    wait = result.retry_at - world.clock.now_ms()
    assert 60_000 < wait <= 60_000 + rate_window.MARGIN_MS + rate_window.BUCKET_MS
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
    window = 60_000 + rate_window.MARGIN_MS + rate_window.BUCKET_MS
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
