"""A hold wins until the request leaves: what was claimed and not sent is taken back, and costs nothing."""

import pytest

from orchestrator.actions.operator.order import HOLD_SOON_MS, hold_jobs, release_jobs
from orchestrator.core.states import AttemptState
from orchestrator.store.account.acts import Signature
from orchestrator.store.attempts.lifecycle import Send
from orchestrator.store.db.schema import balances
from orchestrator.store.views.jobs.walk import JobFilter

SIGNED = Signature("ada", "here", "jobs hold", why="the client decides")


def held_micros(world):
    return {row.held_micros for row in world.rows(balances)}


@pytest.mark.parametrize(
    "wanted", [JobFilter(ids=(1,)), JobFilter(campaign="spring"), JobFilter(states=("running",))]
)
def test_what_a_worker_has_claimed_and_not_sent_is_held_and_never_sent(world, wanted):
    world.run(1)
    tries = world.job(1).tries_left
    claimed = world.lease()
    done = hold_jobs(world.database, wanted, SIGNED, dry_run=False)
    assert (done.changed, done.left) == ([1], {})
    assert world.send(claimed) is Send.LATE
    assert (world.attempts(), held_micros(world)) == ({"abandoned": 1}, {0})
    world.clock.advance(2 * HOLD_SOON_MS / 1000)
    assert world.claim() == ()
    assert release_jobs(world.database, JobFilter(ids=(1,)), SIGNED, dry_run=False).changed == [1]
    assert world.job(1).tries_left == tries
    assert world.until(AttemptState.SUCCEEDED).job_id == 1


def test_what_may_have_been_sent_is_left_to_its_worker(world):
    world.run(1)
    claimed = world.lease()
    assert world.send(claimed) is Send.GO
    done = hold_jobs(world.database, JobFilter(ids=(1,)), SIGNED, dry_run=False)
    assert (done.changed, done.left) == ([], {1: "running"})
    assert world.attempts() == {"submitting": 1}
    world.accept(claimed)
    assert hold_jobs(world.database, JobFilter(campaign="spring"), SIGNED, dry_run=False).changed == []


def test_a_dry_run_and_a_hold_of_waiting_jobs_alone_take_nothing_from_a_worker(world):
    world.run(2)
    claimed = world.lease()
    hold_jobs(world.database, JobFilter(campaign="spring"), SIGNED, dry_run=True)
    assert hold_jobs(world.database, JobFilter(states=("pending",)), SIGNED, dry_run=False).changed == [2]
    assert world.send(claimed) is Send.GO
