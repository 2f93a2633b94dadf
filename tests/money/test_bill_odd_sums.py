"""Whatever sums a bill names, no cost is negative, none beyond belief is booked, and no refund pays for
another task."""

from types import SimpleNamespace

import pytest
from ended import failed, succeeded
from hypothesis import given
from hypothesis import strategies as st
from support.world import PRICE, REFUND_MS

from orchestrator.core.money import MICROS_MAX
from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import events
from orchestrator.store.money import bill_lines, bills

MICROS = st.integers(0, 4 * PRICE) | st.sampled_from([PRICE, 2 * PRICE, MICROS_MAX, MICROS_MAX + 1, -1])


def attempt(**fields):
    """A row as far as a bill is booked against it."""
    usual = {
        "reservation": "settled",
        "cost_micros": PRICE,
        "price_micros": PRICE,
        "billed_micros": None,
        "refunded_micros": None,
        "agreed_billed_micros": None,
        "agreed_charge_micros": None,
        "agreed_refunded_micros": None,
        "charged_at": None,
        "refunded_at": None,
        "refund_until": REFUND_MS if fields.get("reservation") == "refund_due" else None,
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
    decided = bill_lines.what_to_book(row, bill_lines.BillLine(1, deducted, refunded), 10 * REFUND_MS)
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
