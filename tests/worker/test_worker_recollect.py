"""A job that is tried again looks first at the task that it has paid for."""

from dataclasses import replace

import pytest
from support.provider import Ending
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator import resolve_doubt
from orchestrator.actions.operator.change_jobs import retry_jobs
from orchestrator.ports import Lost, Missing, NotSent, Prediction, Status
from orchestrator.store.attempts import recollect
from orchestrator.store.db.schema import attempts, events, jobs
from orchestrator.store.money.audit import audit
from orchestrator.store.money.bills import BillLine, book_lines
from orchestrator.store.views.jobs.walk import JobFilter


def without_outputs(harness, world):
    """A job whose task completed without outputs, charged."""
    world.run(1)
    harness.provider.next_endings.append(Ending(Status.COMPLETED, {"outputs": ()}))
    harness.drain()
    assert (world.rows(jobs)[0].reason, world.account()) == ("no_outputs", (PRICE, 0, 0))


def shows_outputs_now(harness):
    task = harness.provider.tasks["task1"]
    task.final = replace(task.final, outputs=("https://out.example/a.png",))


def retry(world):
    assert retry_jobs(world.database, JobFilter(states=("failed",)), SIGNED).moved


def agrees(world):
    with world.database.read() as tx:
        assert audit(tx).differences == ()


def test_pictures_that_are_there_now_are_taken_and_nothing_is_bought(harness, world):
    without_outputs(harness, world)
    shows_outputs_now(harness)
    retry(world)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    first, second = world.rows(attempts)
    assert (first.prediction_id, first.cost_micros, first.reservation) == (None, None, "released")
    assert (second.prediction_id, second.cost_micros, second.state) == ("task1", PRICE, "succeeded")
    assert (world.account(), world.rows(jobs)[0].cost_micros) == ((PRICE, 0, 0), PRICE)
    assert [event.kind for event in world.rows(events)].count("taken_back") == 1
    agrees(world)


def test_the_charge_counts_once_at_every_moment(harness, world):
    without_outputs(harness, world)
    shows_outputs_now(harness)
    retry(world)
    harness.drain()
    agrees(world)
    first, second = world.rows(attempts)
    line = {"deducted_micros": PRICE, "refunded_micros": 0}
    with world.database.write() as tx:
        book_lines(tx, [BillLine(attempt_id=each.id, **line) for each in (first, second)])
    assert world.account() == (PRICE, 0, 0)
    agrees(world)


@pytest.mark.parametrize("answer", [None, Missing("gone")], ids=["still none", "gone"])
def test_another_task_is_bought_when_the_old_one_has_nothing(harness, world, answer):
    without_outputs(harness, world)
    if answer is not None:
        harness.provider.next_looks.append(answer)
    retry(world)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 2)
    assert world.account() == (2 * PRICE, 0, 0)
    agrees(world)


@pytest.mark.parametrize("answer", [Lost("HTTP 500"), NotSent("refused")])
def test_nothing_is_bought_while_the_old_task_cannot_be_looked_at(harness, world, answer):
    without_outputs(harness, world)
    shows_outputs_now(harness)
    harness.provider.next_looks.extend([answer] * 3)
    retry(world)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    agrees(world)


def test_a_task_that_was_taken_back_and_brought_nothing_is_not_taken_back_again(harness, world):
    without_outputs(harness, world)
    shows_outputs_now(harness)
    retry(world)
    harness.drain()
    second = world.rows(attempts)[1]
    with world.database.write() as tx:
        tx.conn.execute(attempts.update().values(state="failed", reason="output_lost"))
        assert recollect.paid_task(tx, second.job_id) is None


def test_a_task_that_was_written_off_and_has_ended_since_is_taken(harness, world):
    world.run(1)
    harness.provider.latency = 5_000.0
    harness.drain()
    resolve_doubt.write_off(world.database, SIGNED, world.rows(attempts)[0].id)
    harness.clock.advance(6_000)
    retry(world)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    agrees(world)


def test_a_task_that_failed_and_is_paid_back_is_not_looked_at(harness, world):
    world.run(1, max_attempts=1)
    harness.provider.next_endings.append(Ending(Status.FAILED, {"code": 5000}))
    harness.drain()
    looks = len(harness.provider.looks)
    with world.database.read() as tx:
        assert recollect.paid_task(tx, world.rows(jobs)[0].id) is None
    retry(world)
    harness.drain()
    assert [name for _, name in harness.provider.looks[looks:]] == ["task2"] * (
        len(harness.provider.looks) - looks
    )


def test_a_reply_that_names_the_task_of_another_attempt_is_said_to_be_one(harness, world):
    """A cache between us and the provider repeats the reply to an earlier submit."""
    world.run(2)
    original = harness.provider.submit

    async def repeated(model, inputs, *, webhook=None, still_valid=None):
        found = await original(model, inputs, webhook=webhook, still_valid=still_valid)
        prediction = Prediction("task1", Status.RUNNING, "created")
        return type(found)(prediction)

    harness.provider.submit = repeated
    harness.provider.shows_inputs = False
    told = []

    def look(_stop):
        told.extend(row.message for row in world.rows(attempts) if row.state == "in_doubt")

    harness.run_for(3.0, (2.0, look))
    assert len(told) == 1
    assert "the reply named task task1, which another attempt holds" in told[0]
    assert "died" not in told[0]
