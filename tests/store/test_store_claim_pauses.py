"""Pauses: what a claim leaves alone, and how they end."""

import pytest

from orchestrator.store.account import pauses
from orchestrator.store.runs import campaigns


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
