"""A refund is given up by a bill that was read after its window, never by the clock alone."""

import pytest
from ended import failed, kinds, standing
from support.provider import Ending
from support.world import PRICE, REFUND_MS

from orchestrator.core.provider_facts import BILL_SETTLE_MS
from orchestrator.ports import Lost, Rejected, Status
from orchestrator.store.db.schema import attempts
from orchestrator.store.money import bills
from orchestrator.store.money.bill_lines import Booked

HOURS = 3600


@pytest.fixture
def one_fails(sqlite_world, provider):
    """One job of one try, whose task fails."""
    sqlite_world.run(1, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))


def due(world):
    with world.database.read() as tx:
        return [row.attempt_id for row in bills.unbilled(tx, 10)]


def test_a_charge_without_its_refund_after_the_window_is_spent_without_being_free_between(world, read):
    held = failed(world)
    read(held, PRICE)
    world.clock.advance_ms(REFUND_MS + BILL_SETTLE_MS)
    assert due(world) == [held.attempt_id]
    assert read(held, PRICE) == Booked(adjusted_micros=PRICE)
    assert (world.account(), standing(world, held)) == ((PRICE, 0, 0), ("settled", PRICE))
    assert kinds(world)[-1] == "refund_lapsed"
    assert due(world) == []


def test_a_bill_that_was_read_when_the_window_ended_is_read_again_for_what_came_last(world, read):
    held = failed(world)
    world.clock.advance_ms(REFUND_MS)
    assert read(held, PRICE) == Booked()
    assert world.account() == (0, 0, PRICE)
    world.clock.advance_ms(BILL_SETTLE_MS)
    assert due(world) == [held.attempt_id]
    assert read(held, PRICE, PRICE) == Booked(refund_seen=True)


def test_a_task_that_was_never_charged_is_free_when_its_window_has_passed(world, read):
    held = failed(world)
    world.clock.advance_ms(REFUND_MS + BILL_SETTLE_MS)
    read(held, 0)
    assert (world.account(), standing(world, held)) == ((0, 0, 0), ("released", None))
    assert due(world) == []


def test_a_window_that_was_shortened_frees_the_money_and_the_bill_is_read_after_the_providers_time(
    world, read
):
    held = failed(world, refund_ms=60_000)
    world.clock.advance_ms(60_000 + BILL_SETTLE_MS)
    read(held, PRICE)
    assert (world.account(), due(world)) == ((0, 0, 0), [held.attempt_id])
    assert read(held, PRICE) == Booked()  # too early
    world.clock.advance_ms(REFUND_MS)
    assert due(world) == [held.attempt_id]
    read(held, PRICE)
    assert (world.account(), due(world)) == ((PRICE, 0, 0), [])


def test_what_a_partial_refund_leaves_of_money_that_counted_as_free_at_once_is_settled_when_it_is_seen(
    world, read
):
    held = failed(world, refund_ms=0)
    world.clock.advance_ms(BILL_SETTLE_MS)
    assert (world.account(), due(world)) == ((0, 0, 0), [held.attempt_id])
    assert read(held, PRICE, PRICE - 8_000) == Booked(adjusted_micros=8_000)
    assert (world.account(), standing(world, held)) == ((8_000, 0, 0), ("settled", 8_000))
    assert due(world) == [held.attempt_id]  # the rest may still come
    assert read(held, PRICE, PRICE) == Booked(adjusted_micros=-8_000)
    assert (world.account(), due(world)) == ((0, 0, 0), [])


def test_a_worker_reads_the_bill_of_what_counts_as_free_every_ten_minutes(
    harness, sqlite_world, provider, one_fails
):
    harness.change("budgets", on_failed="release")
    counted = []
    harness.run_for(
        1500,
        (290, lambda _stop: counted.append(sqlite_world.account())),
        (300, lambda _stop: provider.refund("task1", PRICE - 8_000)),
    )
    assert (counted, sqlite_world.account()) == ([(0, 0, 0)], (8_000, 0, 0))


def test_a_worker_that_was_away_for_hours_frees_nothing_that_was_kept(
    harness, sqlite_world, provider, one_fails, agreed
):
    harness.run_for(60)
    sqlite_world.clock.advance(4 * HOURS)
    counted = []
    harness.run_for(
        120, *((at, lambda _stop: counted.append(sum(sqlite_world.account()))) for at in range(0, 120, 5))
    )
    assert set(counted) == {PRICE}
    assert sqlite_world.account() == (PRICE, 0, 0)
    agreed(sqlite_world)


def test_a_bill_that_cannot_be_read_for_long_keeps_the_money_held_and_somebody_hears_of_it(
    harness, sqlite_world, provider, one_fails
):
    harness.run_for(60)
    provider.bill_answer = Lost("502")
    harness.run_for(4 * HOURS)
    assert sqlite_world.account() == (0, 0, PRICE)
    assert harness.notices == [
        "The bill cannot be read: $0.028 of refunds that should have come stays held until it can."
    ]
    provider.bill_answer = None
    harness.run_for(120)
    assert sqlite_world.account() == (PRICE, 0, 0)


def test_a_bill_that_the_key_may_not_read_ends_the_wait_with_the_window(
    harness, sqlite_world, provider, one_fails
):
    provider.bill_answer = Rejected("not for this key", 403)
    harness.run_for(3 * HOURS - 60)
    assert sqlite_world.account() == (0, 0, PRICE)
    harness.run_for(300)
    assert sqlite_world.account() == (0, 0, 0)


def test_a_second_partial_refund_is_seen_by_a_worker(harness, sqlite_world, provider, one_fails, agreed):
    harness.run_for(
        5000,
        (300, lambda _stop: provider.refund("task1", 8_000)),
        (2500, lambda _stop: provider.refund("task1", 5_000)),
    )
    assert sqlite_world.account() == (PRICE - 13_000, 0, 0)
    assert sqlite_world.rows(attempts)[0].billed_at is None  # the rest may still come
    agreed(sqlite_world, caps=False)
    sqlite_world.clock.advance(3 * HOURS)
    harness.run_for(120)
    assert sqlite_world.rows(attempts)[0].billed_at is not None
