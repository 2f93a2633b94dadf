"""A worker that takes over what it had before: it was suspended, and another one held it in between."""

import pytest
from support.provider import Ending
from support.world import LEASE_MS, PRICE

from orchestrator.core.states import AttemptState
from orchestrator.ports import Status
from orchestrator.store.attempts import leases
from orchestrator.store.db.schema import attempts
from orchestrator.worker.activity import Activity


def taken_and_left(world):
    """Another worker takes everything over and dies at once; its leases have lapsed."""
    (row,) = world.rows(attempts)
    lapsed(world, row.worker)
    world.rescue("another")
    lapsed(world, "another")


def lapsed(world, worker):
    with world.database.write() as tx:
        leases.expire_leases_of_workers(tx, [worker])


def test_a_task_without_outputs_ends_once_though_it_was_taken_over_and_back(harness, world):
    """It ends after two minutes of polls: those of before the take-over end first, and must not have those
    of after it taken for lost, and begun anew, again and again."""
    world.run(1, max_attempts=1)
    harness.provider.next_endings.append(Ending(Status.COMPLETED, {"outputs": ()}))
    harness.run_for(250, (60.0, lambda _stop: taken_and_left(world)))
    (row,) = world.rows(attempts)
    assert (row.state, row.reason, row.epoch) == ("failed", "no_outputs", 3)
    assert world.account() == (PRICE, 0, 0)


def test_a_slow_download_ends_though_the_one_of_before_the_take_over_ends_first(harness, world):
    world.run(1)

    async def slowly():
        await harness.clock.sleep(100.0)

    harness.artifacts.delay = slowly
    harness.run_for(220, (60.0, lambda _stop: taken_and_left(world)))
    (row,) = world.rows(attempts)
    assert (row.state, row.epoch, len(harness.artifacts.requests)) == ("succeeded", 3, 2)


def test_a_task_that_was_taken_over_and_back_is_polled_by_one_chain_of_looks(harness, world):
    world.run(1)
    harness.provider.latency = 150.0
    harness.change("worker", poll_min_seconds=10.0, poll_max_seconds=10.0)
    harness.run_for(180, (60.0, lambda _stop: taken_and_left(world)))
    looks = [at for at, _ in harness.provider.looks if at > 60 + LEASE_MS / 2000]
    assert world.jobs() == {"succeeded": 1}
    assert min(later - earlier for earlier, later in zip(looks, looks[1:], strict=False)) > 5


@pytest.mark.parametrize("aside", [False, True], ids=["waited for", "overdue"])
def test_the_end_of_an_earlier_holding_leaves_the_later_one_alone(world, aside):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    lapsed(world, "w1")
    (second,) = world.rescue("w1").taken_over
    lapsed(world, "w1")
    (third,) = world.rescue("w1").taken_over
    assert (second.epoch, third.epoch) == (held.epoch + 1, held.epoch + 2)
    activity = Activity()
    activity.follow(second)
    if aside:
        activity.set_aside(second)
    activity.follow(third)
    activity.set_aside(second)
    activity.no_longer_in_flight(second)
    assert (activity.follows(second), activity.follows(third), activity.busy) == (False, True, True)
    activity.no_longer_in_flight(third)
    assert (activity.attempts, activity.busy) == (frozenset(), False)
