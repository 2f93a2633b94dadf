"""A bill of implausible size frees no cap until a person has agreed to it, and what is agreed to counts."""

import pytest
from ended import failed, standing, succeeded
from support.world import PRICE, REFUND_MS

from orchestrator.core.bill_size import Basis, Size
from orchestrator.core.provider_facts import BILL_SETTLE_MS
from orchestrator.store.money import bills
from orchestrator.store.money.audit import audit
from orchestrator.store.money.bill_lines import BillLine, Booked

TINY = PRICE // 100
HUGE = PRICE * 100


@pytest.fixture
def booked(world):
    """Book a line with what the balance shows."""

    def book(held, deducted, refunded=0, basis=Basis.UNKNOWN):
        answer = world.do(bills.book_lines, BillLine(held.attempt_id, deducted, refunded, basis=basis))
        with world.database.read() as tx:
            assert audit(tx).differences == ()
        return answer

    return book


def agree(world, held, deducted, refunded=0, charge=None):
    with world.database.write() as tx:
        line = BillLine(held.attempt_id, deducted, refunded)
        bills.agree(tx, line, charge_micros=deducted if charge is None else charge)


def test_a_hundredth_of_the_price_leaves_the_money_counted(world, booked):
    held = succeeded(world)
    assert booked(held, TINY) == Booked(size=Size.SMALL)
    assert world.account() == (PRICE, 0, 0)
    assert (world.attempt(held).billed_micros, world.attempt(held).cost_micros) == (TINY, PRICE)


def test_a_cap_is_not_freed_by_a_bill_in_another_unit(world, booked):
    world.run(3)
    world.cap(PRICE)
    held = succeeded(world)
    booked(held, TINY)
    assert world.claim() == ()


@pytest.mark.parametrize(
    ("basis", "spent"), [(Basis.UNKNOWN, HUGE), (Basis.BILLED, HUGE), (Basis.HELD, PRICE)]
)
def test_a_hundred_times_the_price_counts_unless_the_balance_shows_that_it_never_left(
    world, booked, basis, spent
):
    held = succeeded(world)
    assert booked(held, HUGE, basis=basis) == Booked(adjusted_micros=spent - PRICE, size=Size.LARGE)
    assert world.account() == (spent, 0, 0)


@pytest.mark.parametrize("basis", Basis)
def test_what_the_balance_once_showed_stands_when_the_same_is_read_again(world, booked, basis):
    held = succeeded(world)
    booked(held, HUGE, basis=basis)
    before = world.account()
    assert booked(held, HUGE).adjusted_micros == 0
    assert world.account() == before


def test_agreeing_books_what_the_bill_says_and_is_told_no_more(world, booked):
    held = succeeded(world)
    booked(held, TINY)
    agree(world, held, TINY)
    assert booked(held, TINY) == Booked(adjusted_micros=TINY - PRICE)
    assert world.account() == (TINY, 0, 0)


def test_agreeing_that_another_unit_was_meant_counts_what_was_held(world, booked):
    held = succeeded(world)
    booked(held, HUGE)
    agree(world, held, HUGE, charge=PRICE)
    assert booked(held, HUGE) == Booked(adjusted_micros=PRICE - HUGE)
    assert world.account() == (PRICE, 0, 0)
    assert booked(held, HUGE) == Booked()


def test_an_agreement_is_about_one_charge_and_not_about_the_next(world, booked):
    held = succeeded(world)
    agree(world, held, TINY)
    booked(held, TINY)
    assert booked(held, TINY + 1).size is Size.SMALL
    assert world.account() == (PRICE, 0, 0)


@pytest.mark.parametrize(("charge", "back"), [(TINY, TINY), (HUGE, HUGE)])
def test_a_refund_of_all_of_it_frees_the_money_in_any_unit(world, booked, charge, back):
    held = failed(world)
    assert booked(held, charge, back).refund_seen
    assert (world.account(), standing(world, held)) == ((0, 0, 0), ("released", None))


def test_half_of_it_paid_back_in_another_unit_keeps_half_of_what_was_held(world, booked):
    held = failed(world)
    booked(held, TINY, TINY // 2)
    assert world.account() == (PRICE // 2, 0, 0)


def test_a_refund_that_does_not_come_of_a_charge_in_another_unit_keeps_all_that_was_held(world, booked):
    held = failed(world)
    world.clock.advance_ms(REFUND_MS + BILL_SETTLE_MS)
    booked(held, TINY)
    assert (world.account(), standing(world, held)) == ((PRICE, 0, 0), ("settled", PRICE))


def test_a_surplus_that_a_person_has_agreed_to_is_told_no_more(world, booked):
    held = failed(world)
    assert booked(held, PRICE, 2 * PRICE).surplus_micros == PRICE
    agree(world, held, PRICE, refunded=2 * PRICE)
    assert booked(held, PRICE, 2 * PRICE) == Booked()
    assert booked(held, PRICE, 3 * PRICE).surplus_micros == 2 * PRICE
