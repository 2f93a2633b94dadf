"""A job over which workers keep dying is set aside with a reason; dying costs no try, and no job pays for
another."""

import pytest
from support.world import LEASE_MS

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import leases, releases
from orchestrator.store.db.schema import jobs


def die(world, times, deaths_max=5):
    for _ in range(times):
        world.lease()
        world.clock.advance_ms(LEASE_MS)
        world.do(leases.rescue, leases.Rescue("w2", LEASE_MS, deaths_max))
    return world.rows(jobs)[0]


@pytest.mark.parametrize("deaths_max", [1, 2, 5])
def test_after_so_many_deaths_the_job_fails_with_a_reason_and_owes_nothing(world, deaths_max):
    world.run(1)
    job = die(world, deaths_max - 1, deaths_max)
    assert (job.state, job.deaths, job.tries_left) == ("pending", deaths_max - 1, 3)
    job = die(world, 1, deaths_max)
    assert (job.state, job.reason, job.deaths) == ("failed", "poison", deaths_max)
    assert "worker died" in job.message
    assert world.account() == (0, 0, 0)
    world.check_money()


def test_a_worker_that_leaves_in_order_is_no_death(world):
    world.run(1)
    for _ in range(6):
        world.lease()
        with world.database.write() as tx:
            releases.release_worker(tx, "w1")
    (job,) = world.rows(jobs)
    assert (job.state, job.deaths) == ("pending", 0)


def test_a_worker_that_dies_while_sending_leaves_a_doubt_and_no_death(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    world.clock.advance_ms(LEASE_MS)
    world.rescue()
    assert (world.attempt(held).state, world.job(held).deaths) == ("in_doubt", 0)


def test_deaths_are_counted_by_job(world):
    world.run(2)
    world.claim(2)
    world.clock.advance_ms(LEASE_MS)
    world.do(leases.rescue, leases.Rescue("w2", LEASE_MS, 2))
    assert [job.deaths for job in world.rows(jobs)] == [1, 1]
    assert world.jobs() == {"pending": 2}
