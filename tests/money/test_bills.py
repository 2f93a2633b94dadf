"""The provider's bill has the last word on what an attempt cost, in both directions, and reading it again changes nothing."""

import pytest
from support.world import PRICE, REFUND_MS

from orchestrator.core.states import AttemptState
from orchestrator.ports import BillingRecord, Lost
from orchestrator.store import bills
from orchestrator.store.audit import audit
from orchestrator.store.schema import attempts, ledger
from orchestrator.worker.bills import lines_of


@pytest.fixture
def read(world):
    """Book one line of the bill, and check that everything kept twice agrees."""

    def booked(held, deducted, refunded=0):
        answer = world.do(bills.record, bills.BillLine(held.attempt_id, deducted, refunded))
        with world.database.read() as tx:
            assert audit(tx).differences == ()
        return answer

    return booked


def succeeded(world):
    world.run(1)
    return world.until(AttemptState.SUCCEEDED)


def failed(world):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    world.fail(held, delay_ms=None)
    return held


def kinds(world):
    return [row.kind for row in world.rows(ledger)]


@pytest.mark.parametrize("billed", [PRICE - 8_000, PRICE + 8_000, 1])
def test_a_bill_that_differs_adjusts_the_cost_in_both_directions(world, read, billed):
    held = succeeded(world)
    assert read(held, billed) == bills.Booked(adjusted_micros=billed - PRICE)
    assert world.account() == (billed, 0, 0)
    assert world.job(held).cost_micros == world.attempt(held).cost_micros == billed


def test_a_bill_that_agrees_writes_no_entry(world, read):
    held = succeeded(world)
    assert read(held, PRICE) == bills.Booked()
    assert kinds(world) == ["reserve", "settle"]
    assert (world.attempt(held).billed_micros, world.attempt(held).refunded_micros) == (PRICE, 0)


def test_a_bill_that_says_nothing_changes_no_money(world, read):
    held = succeeded(world)
    assert read(held, 0) == bills.Booked()
    assert world.account() == (PRICE, 0, 0)


@pytest.mark.parametrize(("deducted", "refunded"), [(PRICE - 1, 0), (PRICE, PRICE), (PRICE, 1)])
def test_reading_the_same_again_changes_nothing(world, read, deducted, refunded):
    held = succeeded(world)
    read(held, deducted, refunded)
    before = (world.rows(ledger), world.account())
    assert read(held, deducted, refunded) == bills.Booked()
    assert (world.rows(ledger), world.account()) == before


@pytest.mark.parametrize(("refunded", "spent"), [(PRICE, 0), (PRICE - 8_000, 8_000)])
def test_a_refund_that_is_seen_ends_the_wait_and_what_was_kept_is_spent(world, read, refunded, spent):
    held = failed(world)
    assert world.account() == (0, 0, PRICE)
    assert read(held, PRICE, refunded) == bills.Booked(refund_seen=True)
    assert world.account() == (spent, 0, 0)
    assert kinds(world)[-1] == "refund_seen"
    world.clock.advance_ms(REFUND_MS)
    assert world.lapse() == 0


def test_a_charge_without_its_refund_keeps_waiting(world, read):
    held = failed(world)
    assert read(held, PRICE) == bills.Booked()
    assert world.account() == (0, 0, PRICE)


def test_a_refund_seen_after_its_window_has_lapsed_changes_nothing_more(world, read):
    held = failed(world)
    world.clock.advance_ms(REFUND_MS)
    world.lapse()
    assert read(held, PRICE, PRICE) == bills.Booked()
    assert world.account() == (0, 0, 0)


def test_money_that_was_kept_after_the_window_is_spent_and_comes_back_with_a_late_refund(world, read):
    held = failed(world)
    world.clock.advance_ms(REFUND_MS)
    world.lapse()
    assert read(held, PRICE) == bills.Booked(adjusted_micros=PRICE)
    assert world.account() == (PRICE, 0, 0)
    assert read(held, PRICE, PRICE) == bills.Booked(adjusted_micros=-PRICE)
    assert world.account() == (0, 0, 0)


def test_the_bill_of_a_lapsed_refund_is_read_once_more(world, read):
    held = failed(world)
    read(held, PRICE)
    world.clock.advance_ms(REFUND_MS)
    world.lapse()
    with world.database.read() as tx:
        assert [row.attempt_id for row in bills.unbilled(tx, 10, settle_ms=30_000)] == [held.attempt_id]
    read(held, PRICE)
    with world.database.read() as tx:
        assert bills.unbilled(tx, 10, settle_ms=30_000) == []


def test_what_is_under_way_is_not_booked(world, read):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    assert read(held, PRICE + 1) == bills.Booked()
    assert world.account() == (0, PRICE, 0)


def test_an_unknown_attempt_is_no_line_of_ours(world):
    assert world.do(bills.record, bills.BillLine(99, PRICE, 0)) == bills.Booked()


def test_a_cost_adjusted_above_a_cap_is_told_as_it_is_and_stops_spending(world, read):
    world.run(2)
    world.cap(2 * PRICE)
    held = world.until(AttemptState.SUCCEEDED)
    read(held, PRICE + 1)
    assert world.claim() == ()
    assert world.account() == (PRICE + 1, 0, 0)


def test_bills_are_read_a_while_after_the_end_and_oldest_first(world):
    world.run(2)
    first, second = (world.until(AttemptState.SUCCEEDED) for _ in range(2))
    with world.database.read() as tx:
        assert bills.unbilled(tx, 10, settle_ms=30_000) == []
    world.clock.advance(30)
    with world.database.read() as tx:
        due = bills.unbilled(tx, 1, settle_ms=30_000)
    assert [row.attempt_id for row in due] == [first.attempt_id]
    assert second.attempt_id > first.attempt_id


def test_records_are_summed_by_task_and_others_are_left_out():
    due = [bills.Unbilled(1, "a", 0), bills.Unbilled(2, "b", 0)]
    records = [
        BillingRecord("1", "a", "deduct", 20, 0),
        BillingRecord("2", "a", "deduct", 8, 0),
        BillingRecord("3", "a", "refund", 5, 0),
        BillingRecord("4", "stranger", "deduct", 99, 0),
    ]
    assert lines_of(due, records) == [bills.BillLine(1, 28, 5), bills.BillLine(2, 0, 0)]


# --- the worker reads by itself ---


def test_a_worker_books_what_was_really_charged(shop, sqlite_world, provider, agreed):
    sqlite_world.run(3)
    provider.charges = {"task1": 20_000, "task2": 40_000}
    shop.run_for(180)
    assert sqlite_world.account() == (20_000 + 40_000 + PRICE, 0, 0)
    agreed(sqlite_world, caps=False)


def test_a_worker_sees_the_refund_of_a_failed_task(shop, sqlite_world, provider, agreed):
    from support.provider import Ending

    from orchestrator.ports import Status

    sqlite_world.run(1, max_attempts=1)
    provider.next_endings.append(Ending(Status.FAILED, {"error": "oops", "code": 5000}))
    shop.run_for(700, (300, lambda _stop: provider.refund("task1")))
    (attempt,) = sqlite_world.rows(attempts)
    assert (attempt.reservation, attempt.refunded_micros) == ("released", PRICE)
    assert kinds(sqlite_world) == ["reserve", "refund_due", "refund_seen"]
    agreed(sqlite_world)


def test_a_bill_that_cannot_be_read_changes_nothing(shop, sqlite_world, provider):
    sqlite_world.run(1)
    provider.bill_answer = Lost("502")
    shop.run_for(180)
    assert kinds(sqlite_world) == ["reserve", "settle"]
    assert sqlite_world.rows(attempts)[0].billed_at is None
