"""An attempt that failed or was given back: tries, money, delays."""

import pytest
from support.world import PRICE

from orchestrator.core.states import AttemptEvent, AttemptState


def test_giving_back_uses_no_try(world):
    world.run(1, max_attempts=1)
    for number in range(1, 4):
        held = world.until(AttemptState.SUBMITTING)
        assert world.give_back(held, AttemptEvent.THROTTLED)
        assert (world.job(held).state, world.job(held).tries_left, world.job(held).attempts) == (
            "pending",
            1,
            number,
        )
    assert world.account() == (0, 0, 0)
    world.check_money()


def test_giving_back_without_a_delay_fails_the_job(world):
    world.run(1)
    held = world.lease()
    assert world.give_back(held, delay_ms=None)
    assert (world.job(held).state, world.account()) == ("failed", (0, 0, 0))


def test_failures_use_up_the_tries_and_then_the_job_has_failed(world):
    world.run(1, max_attempts=2)
    first = world.until(AttemptState.IN_FLIGHT)
    assert world.fail(first, delay_ms=1000)
    job = world.job(first)
    assert (job.state, job.tries_left, job.due_at) == ("pending", 1, world.clock.now_ms() + 1000)
    world.clock.advance_ms(1000)
    second = world.until(AttemptState.IN_FLIGHT)
    assert world.fail(second, delay_ms=1000)
    assert (world.job(second).state, world.job(second).reason) == ("failed", "provider_error")
    assert world.account() == (0, 0, PRICE * 2)
    world.check_money()


def test_a_final_failure_is_not_tried_again(world):
    world.run(1, max_attempts=5)
    held = world.until(AttemptState.IN_FLIGHT)
    assert world.fail(held, delay_ms=None)
    assert (world.job(held).state, world.job(held).tries_left) == ("failed", 4)


@pytest.mark.parametrize(
    ("options", "reservation", "account"),
    [
        ({}, "refund_due", (0, 0, PRICE)),
        ({"refund_ms": 0}, "released", (0, 0, 0)),
        ({"charged": True}, "settled", (PRICE, 0, 0)),
    ],
)
def test_what_a_failure_does_to_the_money(world, options, reservation, account):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    world.fail(held, **options)
    assert (world.attempt(held).reservation, world.account()) == (reservation, account)
    world.check_money()


def test_a_rejected_job_fails_and_owes_nothing(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    assert world.reject(held)
    assert (world.job(held).state, world.attempt(held).code, world.account()) == ("failed", 1401, (0, 0, 0))
