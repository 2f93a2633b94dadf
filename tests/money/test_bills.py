"""The provider's bill has the last word on what an attempt cost, in both directions, and reading it again
changes nothing."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.provider import Ending
from support.world import PRICE, REFUND_MS

from orchestrator.cli.rendering.documents import attempt_document
from orchestrator.cli.rendering.job_text import attempt_text
from orchestrator.core.errors import DatabaseError
from orchestrator.core.money import MICROS_MAX
from orchestrator.core.states import AttemptState
from orchestrator.ports import BillingRecord, Lost, Status
from orchestrator.ports.paging import Bill, Billed
from orchestrator.store.db.schema import attempts, events, ledger
from orchestrator.store.money import bills
from orchestrator.store.money.audit import audit
from orchestrator.store.views.detail import job_detail
from orchestrator.worker.upkeep import upkeep
from orchestrator.worker.upkeep.billing import TROUBLE


@pytest.fixture
def read(world):
    """Book one line of the bill, and check that everything kept twice agrees."""

    def booked(held, deducted, refunded=0):
        answer = world.do(bills.book_lines, bills.BillLine(held.attempt_id, deducted, refunded))
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


def standing(world, held):
    row = world.attempt(held)
    return row.reservation, row.cost_micros


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
    assert shown(world, held) == ("failed, $0.028 not owed", "released", None)
    read(held, PRICE)
    assert shown(world, held) == ("failed, $0.028 paid", "settled", "0.028")


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


# --- what a line changes, decided without a database ---

MICROS = st.integers(0, 4 * PRICE) | st.sampled_from([PRICE, 2 * PRICE, MICROS_MAX, MICROS_MAX + 1, -1])


def attempt(**fields):
    usual = {
        "reservation": "settled",
        "cost_micros": PRICE,
        "price_micros": PRICE,
        "billed_micros": None,
        "refunded_micros": None,
        "finished_at": 0,
    }
    return SimpleNamespace(**{**usual, **fields})


@given(
    st.sampled_from([("refund_due", None), ("released", None), ("settled", PRICE), ("settled", 1)]),
    st.none() | st.integers(0, 2 * PRICE),
    MICROS,
    MICROS,
)
def test_no_line_of_a_bill_makes_a_cost_or_a_kept_sum_negative(standing, billed, deducted, refunded):
    reservation, cost = standing
    row = attempt(reservation=reservation, cost_micros=cost, billed_micros=billed)
    decided = bills.what_to_book(row, bills.BillLine(1, deducted, refunded), 10 * REFUND_MS)
    kept = decided.values.get("cost_micros", cost) or 0
    assert kept >= 0
    assert (cost or 0) + decided.spent_delta == kept
    if decided.kind is not None:
        moved = decided.values.get("reservation", reservation)
        assert moved == ("settled" if kept else "released")
    assert decided.booked.surplus_micros >= 0
    assert all(decided.values.get(name, 0) >= 0 for name in ("billed_micros", "refunded_micros"))


@pytest.mark.parametrize(
    ("deducted", "refunded"), [(MICROS_MAX + 1, 0), (PRICE, MICROS_MAX + 1), (-1, 0), (0, -1)]
)
def test_sums_beyond_belief_are_set_aside_and_change_no_money(world, read, deducted, refunded):
    held = succeeded(world)
    assert read(held, deducted, refunded) == bills.Booked(set_aside=True)
    assert world.account() == (PRICE, 0, 0)
    assert world.attempt(held).billed_micros is None


@pytest.mark.parametrize("refunded", [PRICE + 1, 2 * PRICE, 100 * PRICE])
def test_a_refund_larger_than_its_charge_is_the_charge_and_the_rest_is_told(world, read, refunded):
    held = failed(world)
    surplus = refunded - PRICE
    assert read(held, PRICE, refunded) == bills.Booked(refund_seen=True, surplus_micros=surplus)
    assert world.account() == (0, 0, 0)
    assert (world.job(held).cost_micros, world.attempt(held).cost_micros) == (0, None)
    (told,) = [row for row in world.rows(events) if row.kind == "refund_surplus"]
    assert (told.attempt_id, told.message) == (
        held.attempt_id,
        bills.surplus_text(world.attempt(held).prediction_id, surplus),
    )


def test_a_surplus_is_an_event_once_and_is_answered_each_time(world, read):
    held = succeeded(world)
    for _ in range(2):
        assert read(held, PRICE, 2 * PRICE).surplus_micros == PRICE
    assert [row.kind for row in world.rows(events)].count("refund_surplus") == 1
    assert world.account() == (0, 0, 0)


def test_the_surplus_of_one_try_pays_for_no_other_try_of_its_job(world, read):
    world.run(1, max_attempts=2)
    first = world.until(AttemptState.IN_FLIGHT)
    world.fail(first, delay_ms=0)
    second = world.until(AttemptState.SUCCEEDED)
    read(first, PRICE, 2 * PRICE)
    assert world.account() == (PRICE, 0, 0)
    assert world.job(second).cost_micros == PRICE


def test_a_refund_whose_charge_was_not_read_pays_back_the_charge_read_before_or_the_price(world, read):
    held = failed(world)
    assert read(held, 0, PRICE - 8_000) == bills.Booked(refund_seen=True)
    assert world.account() == (8_000, 0, 0)
    world.run(1, run_key="next")
    other = world.until(AttemptState.SUCCEEDED)
    read(other, PRICE + 1)
    assert read(other, 0, PRICE) == bills.Booked(adjusted_micros=-PRICE)
    assert world.account() == (8_001, 0, 0)


# --- what a bill adds up to ---


def test_records_are_summed_by_task():
    bill = Bill()
    bill.add(
        [
            BillingRecord(id="1", prediction_id="a", kind="deduct", micros=20, created_at_ms=0),
            BillingRecord(id="2", prediction_id="a", kind="deduct", micros=8, created_at_ms=0),
            BillingRecord(id="3", prediction_id="a", kind="refund", micros=5, created_at_ms=0),
            BillingRecord(id="4", prediction_id="stranger", kind="deduct", micros=99, created_at_ms=0),
        ]
    )
    assert bill.by_prediction() == {"a": Billed(28, 5), "stranger": Billed(99, 0)}


def test_a_deduct_and_its_refund_are_two_records_even_under_one_id():
    bill = Bill()
    bill.add(
        [
            BillingRecord(id="1", prediction_id="a", kind="deduct", micros=20, created_at_ms=0),
            BillingRecord(id="1", prediction_id="a", kind="refund", micros=20, created_at_ms=1),
        ]
    )
    assert bill.by_prediction() == {"a": Billed(20, 20)}


@given(st.data())
def test_a_list_that_slides_while_it_is_read_adds_up_to_what_it_is(data):
    """With ids and without, and with records that are alike in all but their ids."""
    kinds = st.sampled_from(["deduct", "refund"])
    rows = data.draw(st.lists(st.tuples(st.sampled_from("ab"), kinds, st.integers(1, 9)), max_size=30))
    named = data.draw(st.booleans())
    records = [
        BillingRecord(
            id=f"r{number}" if named else "",
            prediction_id=task,
            kind=kind,
            micros=micros,
            created_at_ms=number,
        )
        for number, (task, kind, micros) in enumerate(rows)
    ]
    whole, read = Bill(), Bill()
    whole.add(records)
    first = 0
    while first < len(records):
        read.add(records[first : first + 5])
        first += data.draw(st.integers(1, 5))
    assert read.by_prediction() == whole.by_prediction()
    assert len(whole.records) == len(read.records) == len(records)


def test_records_without_an_id_that_are_alike_on_one_page_are_as_many():
    bill = Bill()
    page = [BillingRecord(id="", prediction_id="a", kind="refund", micros=5, created_at_ms=0)] * 2
    bill.add(page)
    bill.add(page)
    assert bill.by_prediction() == {"a": Billed(0, 10)}


# --- the worker reads by itself ---


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


# --- trouble with the bill, and the work goes on ---


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


def test_trouble_with_the_upkeep_stops_the_buying_and_what_is_paid_for_is_collected(
    harness, sqlite_world, provider, monkeypatch
):
    sqlite_world.run(6)
    harness.change("limits", concurrency=2)

    async def watch_rates(_deps):
        if provider.posts:
            raise ZeroDivisionError

    monkeypatch.setattr(upkeep, "_watch_rates", watch_rates)
    with pytest.raises(ZeroDivisionError):
        harness.drain()
    bought = len(provider.posts)
    assert 0 < bought < 6
    assert sqlite_world.jobs() == {"succeeded": bought, "pending": 6 - bought}
