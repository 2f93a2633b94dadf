"""Writes that share a transaction are answered one by one, and move the money of each once."""

import pytest

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import endings


def give(held, event, delay_ms=0, reason="r"):
    return endings.GiveBack(
        attempt_id=held.attempt_id,
        epoch=held.epoch,
        event=event,
        delay_ms=delay_ms,
        reason=reason,
        message="given back",
    )


def test_givings_back_for_different_reasons_share_a_transaction(world, agreed):
    world.run(5)
    released, refused, throttled = (
        world.until(AttemptState.LEASED),
        world.until(AttemptState.SUBMITTING),
        world.until(AttemptState.SUBMITTING),
    )
    late = world.until(AttemptState.IN_FLIGHT)
    rows = [
        give(late, AttemptEvent.THROTTLED),
        give(throttled, AttemptEvent.THROTTLED, 5_000),
        give(held=released, event=AttemptEvent.RELEASED, delay_ms=None, reason="poison"),
        give(refused, AttemptEvent.REFUSED),
    ]
    with world.database.write() as tx:
        assert endings.give_back(tx, rows) == [False, True, True, True]
    assert [world.attempt(held).state for held in (released, refused, throttled, late)] == [
        "abandoned",
        "abandoned",
        "abandoned",
        "in_flight",
    ]
    assert world.job(released).state == "failed"
    assert world.job(throttled).due_at == world.clock.now_ms() + 5_000
    agreed(world)


def test_one_attempt_given_back_under_two_names_goes_back_once(world, agreed):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    with world.database.write() as tx:
        done = endings.give_back(tx, [give(held, AttemptEvent.REFUSED), give(held, AttemptEvent.THROTTLED)])
    assert any(done)
    assert world.account() == (0, 0, 0)
    agreed(world)


def test_a_repeated_row_breaks_its_group_and_moves_nothing(world, agreed):
    """The group writer then tries each row alone: the first goes through, the second is late."""
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    before = world.everything()
    with pytest.raises(AssertionError), world.database.write() as tx:
        endings.give_back(tx, [give(held, AttemptEvent.REFUSED)] * 2)
    assert world.everything() == before
    assert [world.do(endings.give_back, give(held, AttemptEvent.REFUSED)) for _ in range(2)] == [
        True,
        False,
    ]
    agreed(world)
