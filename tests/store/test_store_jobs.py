"""What an operator may do: cancel and retry."""

import pytest
from support.world import PRICE

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import outputs
from orchestrator.store.db import bulk
from orchestrator.store.runs import jobs
from orchestrator.store.views.jobs.job_outputs import outputs_of


def cancel(world, *job_ids):
    with world.database.write() as tx:
        return jobs.cancel(tx, job_ids)


def retry(world, *job_ids):
    with world.database.write() as tx:
        return jobs.retry(tx, job_ids)


def test_a_pending_job_is_cancelled_now(world):
    world.run(2)
    (row, _) = world.rows(jobs.jobs)
    assert cancel(world, row.id) == jobs.Cancelled([row.id], [])
    assert (world.job(row.id).state, world.job(row.id).reason) == ("cancelled", "cancelled")
    assert len(world.claim()) == 1


def test_a_waiting_job_is_cancelled_now(world):
    world.run(1)
    held = world.lease()
    world.give_back(held, delay_ms=1000)
    cancel(world, held.job_id)
    world.clock.advance_ms(2000)
    assert world.claim() == ()


def test_a_cancelled_job_whose_picture_comes_all_the_same_keeps_it(world):
    """The provider has no cancel, so it is paid for."""
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    assert cancel(world, held.job_id) == jobs.Cancelled([], [held.job_id])
    world.complete(held)
    world.finish(held)
    assert (world.job(held).state, world.account()) == ("succeeded", (PRICE, 0, 0))


def test_a_cancelled_job_whose_attempt_fails_is_cancelled_and_not_tried_again(world):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    cancel(world, held.job_id)
    world.fail(held)
    assert world.job(held).state == "cancelled"


@pytest.mark.parametrize("state", [AttemptState.LEASED, AttemptState.IN_FLIGHT, AttemptState.IN_DOUBT])
def test_cancelling_what_waits_touches_no_job_that_a_worker_has_taken(world, state):
    world.run(1)
    held = world.until(state)
    before = world.everything()
    with world.database.write() as tx:
        assert jobs.cancel_waiting(tx, [held.job_id]) == []
    assert world.everything() == before


def test_cancelling_what_waits_leaves_the_same_trace_as_a_cancel(world):
    world.run(2)
    first, second = (row.id for row in world.rows(jobs.jobs))
    cancel(world, first)
    with world.database.write() as tx:
        assert jobs.cancel_waiting(tx, [second]) == [second]
    one, two = world.job(first), world.job(second)
    assert (one.state, one.queue, one.reason) == (two.state, two.queue, two.reason)
    assert [(row.kind, row.job_id, row.message) for row in world.rows(jobs.events)] == [
        ("cancelled", first, "by an operator"),
        ("cancelled", second, "by an operator"),
    ]


@pytest.mark.parametrize("state", [AttemptState.SUCCEEDED, AttemptState.FAILED])
def test_what_is_over_cannot_be_cancelled(world, state):
    world.run(1)
    held = world.until(state)
    before = world.everything()
    assert cancel(world, held.job_id) == jobs.Cancelled([], [])
    assert world.everything() == before


def test_retry_gives_a_failed_job_fresh_tries(world):
    world.run(1, max_attempts=2)
    held = world.until(AttemptState.FAILED)
    assert retry(world, held.job_id) == [held.job_id]
    job = world.job(held)
    assert (job.state, job.tries_left, job.reason, job.finished_at) == ("pending", 2, None, None)
    again = world.lease()
    assert (again.job_id, world.attempt(again).number) == (held.job_id, 2)


def test_a_cancelled_job_can_be_retried_and_is_not_cancelled_again(world):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    cancel(world, held.job_id)
    world.fail(held)
    retry(world, held.job_id)
    world.until(AttemptState.SUBMITTING)
    assert not world.job(held).cancel_requested


@pytest.mark.parametrize("state", [AttemptState.IN_FLIGHT, AttemptState.IN_DOUBT, AttemptState.SUCCEEDED])
def test_only_failed_and_cancelled_jobs_are_retried(world, state):
    world.run(1)
    held = world.until(state)
    before = world.everything()
    assert retry(world, held.job_id) == []
    assert world.everything() == before


def test_a_retry_keeps_the_files_of_earlier_attempts(world):
    world.run(1, images=2)
    for _ in range(2):
        held = world.until(AttemptState.IN_FLIGHT)
        world.complete(held, urls=2)
        world.finish(held, 1, expected=2, lost=((1, "gone"),))
        retry(world, held.job_id)
    rows = world.outputs(held.job_id)
    assert [(row.idx, row.state) for row in rows] == [
        (0, "planned"),
        (1, "lost"),
        (1000, "stored"),
        (2000, "stored"),
    ]
    assert len({row.path for row in rows}) == 4
    with world.database.read() as tx:
        shown = outputs_of(tx, [held.job_id])[held.job_id]
    assert [(row.index, row.kept_from, row.path is None) for row in shown] == [
        (0, None, True),
        (1, None, True),
        (0, 1, False),
        (0, 2, False),
    ]
    last = world.until(AttemptState.IN_FLIGHT)
    assert [item.index for item in world.complete(last, urls=2)] == [0, 1]
    assert world.finish(last, 2, expected=2)
    assert world.job(last).cost_micros == PRICE * 3
    with world.database.read() as tx:
        assert len(outputs.expected(tx, last.attempt_id)) == 2
    world.check_money()


def test_retry_and_cancel_take_more_jobs_than_one_statement(world):
    world.run(bulk.LOOKUP_CHUNK + 5)
    ids = [row.id for row in world.rows(jobs.jobs)]
    assert cancel(world, *ids).now == ids
    assert retry(world, *ids) == ids
    assert len(world.events("cancelled")) == len(world.events("retried")) == len(ids)
