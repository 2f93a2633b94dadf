"""A worker reads the bill by itself, and trouble with the bill does not stop its work."""

import pytest
from ended import kinds
from support.provider import Ending
from support.world import PRICE

from orchestrator.core.errors import DatabaseError
from orchestrator.ports import Lost, Status
from orchestrator.store.db.schema import attempts
from orchestrator.store.money import bills
from orchestrator.worker.upkeep import breakers
from orchestrator.worker.upkeep.billing import TROUBLE


def test_a_worker_books_what_was_really_charged(harness, sqlite_world, provider, agreed):
    sqlite_world.run(3)
    provider.charges = {"task1": 20_000, "task2": 40_000}
    harness.run_for(180)
    assert sqlite_world.account() == (20_000 + 40_000 + PRICE, 0, 0)
    agreed(sqlite_world, caps=False)


def test_a_worker_sees_the_refund_of_a_failed_task(harness, sqlite_world, provider, agreed):
    sqlite_world.run(1, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    harness.run_for(700, (300, lambda _stop: provider.refund("task1")))
    (attempt,) = sqlite_world.rows(attempts)
    assert (attempt.reservation, attempt.refunded_micros) == ("released", PRICE)
    assert kinds(sqlite_world) == ["reserve", "refund_due", "refund_seen"]
    agreed(sqlite_world)


def test_a_bill_that_cannot_be_read_changes_nothing(harness, sqlite_world, provider):
    sqlite_world.run(1)
    provider.bill_answer = Lost("502")
    harness.run_for(180)
    assert kinds(sqlite_world) == ["reserve", "settle"]
    assert sqlite_world.rows(attempts)[0].billed_at is None


def fails_and_is_refunded_twice(provider):
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    return 200, lambda _stop: (provider.refund("task1"), provider.refund("task1"))


def test_a_worker_gets_through_a_refund_larger_than_its_charge_and_tells_it_once(
    harness, sqlite_world, provider, agreed
):
    sqlite_world.run(1, max_attempts=1)
    harness.run_for(2000, fails_and_is_refunded_twice(provider))
    assert sqlite_world.account() == (0, 0, 0)
    assert harness.notices == ["The refund is larger than the charge of task task1: $0.028 extra, look."]
    sqlite_world.run(8, run_key="next")
    harness.drain()
    assert sqlite_world.jobs() == {"failed": 1, "succeeded": 8}
    agreed(sqlite_world)


def test_a_line_that_cannot_be_booked_spoils_no_other_and_has_its_turn_again(
    harness, sqlite_world, provider, monkeypatch, agreed
):
    sqlite_world.run(3)
    provider.charges = {"task1": 20_000, "task2": 20_000, "task3": 20_000}
    genuine, tries = bills.what_to_book, []

    def what_to_book(row, line, now):
        if row.prediction_id == "task1":
            tries.append(now)
            if len(tries) == 1:
                raise ZeroDivisionError
        return genuine(row, line, now)

    monkeypatch.setattr(bills, "what_to_book", what_to_book)
    harness.run_for(600)
    assert sqlite_world.account() == (20_000 * 2 + PRICE, 0, 0)
    assert harness.notices == [f"{TROUBLE}: task task1: ZeroDivisionError()"]
    assert len(tries) == 1
    harness.run_for(600)  # another worker begins anew
    assert sqlite_world.account() == (3 * 20_000, 0, 0)
    agreed(sqlite_world, caps=False)


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), DatabaseError("The database is full.")])
def test_no_error_of_the_bill_loop_ends_a_worker_or_stops_it_from_buying(
    harness, sqlite_world, provider, monkeypatch, error
):
    sqlite_world.run(1)
    harness.drain()

    def unbilled(*_args, **_more):
        raise error

    monkeypatch.setattr(bills, "unbilled", unbilled)
    sqlite_world.clock.advance(60)
    sqlite_world.run(3, run_key="next")
    harness.run_for(600)
    assert sqlite_world.jobs() == {"succeeded": 4}
    assert len(harness.notices) == 1


@pytest.mark.usefixtures("often_idle")
def test_trouble_with_the_upkeep_stops_the_buying_and_what_is_paid_for_is_collected(
    harness, sqlite_world, provider, monkeypatch
):
    sqlite_world.run(6)
    harness.change("limits", concurrency=2)

    async def watch_rates(_deps):
        if provider.posts:
            raise ZeroDivisionError

    monkeypatch.setattr(breakers, "watch", watch_rates)
    with pytest.raises(ZeroDivisionError):
        harness.drain()
    bought = len(provider.posts)
    assert 0 < bought < 6
    assert sqlite_world.jobs() == {"succeeded": bought, "pending": 6 - bought}
