"""Overdue attempts, troubles, and tasks that are taken back, as the database keeps them."""

import pytest
from support.world import PRICE

from orchestrator.core.states import AttemptState
from orchestrator.store.account import rate_limits
from orchestrator.store.attempts import overdue, recollect, troubles
from orchestrator.store.attempts.troubles import Trouble
from orchestrator.store.db.schema import attempts, jobs
from orchestrator.store.money.audit import audit
from orchestrator.store.runs import jobs as job_store
from orchestrator.store.stops.attention import (
    DOWNLOADS_FAILING,
    FAULTS_MIN,
    OVERDUE_TASKS,
    POLLS_FAILING,
    attention,
)
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.views import trouble
from orchestrator.store.views.jobs import jobs as listing
from orchestrator.store.views.jobs.walk import JobFilter

HOUR_MS = 3_600_000


def hand_over(world, held):
    return world.do(overdue.hand_over, overdue.HandOver(held.attempt_id, held.epoch, "HTTP 400"))


def note(world, held, text, count=FAULTS_MIN):
    row = Trouble(
        attempt_id=held.attempt_id, epoch=held.epoch, text=text, count=count, next_try_at=world.clock.now_ms()
    )
    world.do(troubles.record, (row,))


def attentions(world):
    with world.database.read() as tx:
        return {stop.reason: stop.message for stop in attention(tx)}


def test_a_task_is_handed_over_once_and_only_by_who_holds_it(world):
    world.run(2)
    held, fetching = world.until(AttemptState.IN_FLIGHT), world.until(AttemptState.FETCHING)
    late = overdue.HandOver(held.attempt_id, held.epoch + 1, "HTTP 400")
    assert world.do(overdue.hand_over, late) is False
    assert [hand_over(world, held), hand_over(world, held), hand_over(world, fetching)] == [
        True,
        False,
        False,
    ]
    (message,) = world.events("overdue")
    assert "HTTP 400" in message


def test_an_overdue_task_is_nobodys_wait_while_a_worker_polls_it(world):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    with world.database.read() as tx:
        assert outlook(tx, "UTC").live == 1
    hand_over(world, held)
    with world.database.read() as tx:
        assert outlook(tx, "UTC").finished
        assert [row.attempt_id for row in trouble.overdue(tx)] == [held.attempt_id]
    world.clock.advance(3600)  # its lease has lapsed: a worker that starts looks at it once more
    with world.database.read() as tx:
        assert outlook(tx, "UTC").live == 1
    assert OVERDUE_TASKS in attentions(world)


def test_an_overdue_task_takes_a_slot_for_an_hour(world):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)

    def slots():
        with world.database.write() as tx:
            return rate_limits.allowance(tx).slots

    hand_over(world, held)
    taken = slots()
    world.clock.advance(HOUR_MS / 1000 + 1)
    assert slots() == taken + 1


def test_troubles_are_those_of_who_holds_the_attempt_and_end_with_its_next_step(world):
    world.run(2)
    flying, fetching = world.until(AttemptState.IN_FLIGHT), world.until(AttemptState.FETCHING)
    note(world, flying, "HTTP 500")
    note(world, fetching, "not a picture (text/html)")
    assert set(attentions(world)) == {POLLS_FAILING, DOWNLOADS_FAILING}
    assert "the pictures of 1 job cannot be downloaded: not a picture" in attentions(world)[DOWNLOADS_FAILING]
    with world.database.read() as tx:
        words = {row.id: row.attention for row in listing.list_jobs(tx, JobFilter())}
    assert words == {flying.job_id: POLLS_FAILING, fetching.job_id: DOWNLOADS_FAILING}
    world.do(troubles.record, (Trouble(flying.attempt_id, flying.epoch + 1, ""),))
    assert POLLS_FAILING in attentions(world)
    world.complete(flying)
    world.finish(fetching)
    assert attentions(world) == {}
    assert [(row.trouble, row.trouble_count, row.next_try_at) for row in world.rows(attempts)] == [
        (None, 0, None)
    ] * 2


@pytest.mark.parametrize("count", [1, FAULTS_MIN - 1])
def test_a_fault_or_two_are_no_news(world, count):
    world.run(1)
    note(world, world.until(AttemptState.FETCHING), "HTTP 503", count=count)
    assert attentions(world) == {}


def test_a_task_is_taken_back_with_its_charge_which_counts_once(world):
    world.run(1)
    held = world.until(AttemptState.FETCHING)
    world.finish(held, stored=0, lost=((0, "expired"),))
    prediction = world.attempt(held).prediction_id
    assert world.account() == (PRICE, 0, 0)
    with world.database.write() as tx:
        assert job_store.retry(tx, [held.job_id]) == [held.job_id]
    world.clock.advance(60)
    again = world.lease()
    with world.database.read() as tx:
        earlier = recollect.paid_task(tx, held.job_id)
    assert earlier is not None
    assert (earlier.attempt_id, earlier.prediction_id) == (held.attempt_id, prediction)
    row = recollect.TakeBack(
        attempt_id=again.attempt_id,
        epoch=again.epoch,
        earlier_id=earlier.attempt_id,
        prediction_id=earlier.prediction_id,
        status="completed",
    )
    assert world.do(recollect.take_back, row) == world.attempt(again).accepted_at
    assert world.do(recollect.take_back, row) is None
    assert (world.attempt(again).state, world.attempt(again).prediction_id) == ("in_flight", prediction)
    assert world.account() == (0, PRICE, 0)
    world.complete(again)
    world.finish(again)
    assert (world.account(), world.rows(jobs)[0].cost_micros) == ((PRICE, 0, 0), PRICE)
    with world.database.read() as tx:
        assert audit(tx).differences == ()
    world.check_money()
