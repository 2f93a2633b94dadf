"""The provider's bill has the last word on what an attempt cost, in both directions, and reading it again
changes nothing."""

import pytest
from ended import failed, kinds, standing, succeeded
from support.world import PRICE, REFUND_MS

from orchestrator.cli.rendering.documents import attempt_document
from orchestrator.cli.rendering.jobs.job_text import attempt_text
from orchestrator.core.provider_facts import BILL_SETTLE_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import ledger
from orchestrator.store.money import bills
from orchestrator.store.views.jobs.detail import job_detail


def shown(world, held):
    """The money of an attempt as `jobs show` words it, and in its JSON."""
    with world.database.read() as tx:
        (item,) = job_detail(tx, held.job_id, "UTC").attempts
    document = attempt_document(item)
    first = attempt_text(item).splitlines()[0]
    return (
        first.removeprefix("Attempt 1: ").removesuffix(f", task {item.prediction_id}"),
        document["money"],
        document["cost_usd"],
    )


@pytest.mark.parametrize("billed", [PRICE - 8_000, PRICE + 8_000, PRICE // 5, 5 * PRICE])
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


@pytest.mark.parametrize(
    ("refunded", "spent", "money"), [(PRICE, 0, "released"), (PRICE - 8_000, 8_000, "settled")]
)
def test_a_refund_that_is_seen_ends_the_wait_and_what_was_kept_is_settled(
    world, read, refunded, spent, money
):
    held = failed(world)
    assert world.account() == (0, 0, PRICE)
    assert read(held, PRICE, refunded) == bills.Booked(refund_seen=True)
    assert world.account() == (spent, 0, 0)
    assert standing(world, held) == (money, spent or None)
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
    assert standing(world, held) == ("released", None)
    assert read(held, PRICE) == bills.Booked(adjusted_micros=PRICE)
    assert world.account() == (PRICE, 0, 0)
    assert standing(world, held) == ("settled", PRICE)
    assert read(held, PRICE, PRICE) == bills.Booked(adjusted_micros=-PRICE)
    assert world.account() == (0, 0, 0)
    assert standing(world, held) == ("released", None)


def test_money_counted_free_at_once_that_the_provider_keeps_is_settled(world, read):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)
    world.fail(held, delay_ms=None, refund_ms=0)
    assert standing(world, held) == ("released", None)
    assert read(held, PRICE) == bills.Booked()  # too early: the refund may still come
    world.clock.advance_ms(REFUND_MS)
    assert read(held, PRICE) == bills.Booked(adjusted_micros=PRICE)
    assert standing(world, held) == ("settled", PRICE)


def test_a_success_that_is_paid_back_is_released_and_in_part_stays_settled(world, read):
    world.run(2)
    whole, part = (world.until(AttemptState.SUCCEEDED) for _ in range(2))
    read(whole, PRICE, PRICE)
    read(part, PRICE, 8_000)
    assert standing(world, whole) == ("released", None)
    assert standing(world, part) == ("settled", PRICE - 8_000)


def test_jobs_show_says_that_money_was_charged_which_the_provider_kept(world, read):
    held = failed(world)
    world.clock.advance_ms(REFUND_MS)
    world.lapse()
    assert shown(world, held) == ("failed, $0.028 counted as free: no refund was seen", "released", None)
    read(held, PRICE)
    assert shown(world, held) == ("failed, $0.028 paid", "settled", "0.028")


def test_jobs_show_says_that_a_task_was_paid_back_or_never_charged(world, read):
    held = failed(world)
    read(held, PRICE, PRICE)
    assert shown(world, held) == ("failed, $0.028 paid back", "released", None)
    world.run(1, run_key="next")
    other = world.until(AttemptState.IN_FLIGHT)
    world.fail(other, delay_ms=None)
    world.clock.advance_ms(REFUND_MS + BILL_SETTLE_MS)
    read(other, 0)
    assert shown(world, other) == ("failed, $0.028 never charged", "released", None)


def test_jobs_show_says_what_a_partial_refund_left(world, read):
    held = failed(world)
    assert shown(world, held) == ("failed, $0.028 charged, refund due", "refund_due", None)
    read(held, PRICE, PRICE - 8_000)
    assert shown(world, held) == ("failed, $0.008 paid", "settled", "0.008")


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
    assert world.do(bills.book_lines, bills.BillLine(99, PRICE, 0)) == bills.Booked()


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
