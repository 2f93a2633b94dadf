"""What columns of attempts come to: the bridge leads from what was booked to what was billed."""

from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.core.month_money import MONEY, ColumnSums, MoneyStanding, money_of

BOOKED_AND_BILLED = ("spent", "open", "failed_paid", "charged", "refunded")
STANDING = st.integers(min_value=0, max_value=255).map(MoneyStanding)
MICROS = st.integers(min_value=0, max_value=10**12)
PRICE, COST = 28_000, 27_000


def told(standing, **columns):
    given_sums = {"attempts": 1, "price": PRICE, "cost": 0, "billed": 0, "refunded": 0} | columns
    return {name: amount for name, amount in money_of(standing, ColumnSums(**given_sums)) if amount}


@given(STANDING, MICROS, MICROS, MICROS)
def test_booked_with_the_bridge_is_what_was_billed(standing, cost, billed, refunded):
    lasting = standing & (MoneyStanding.SETTLED | MoneyStanding.HELD | MoneyStanding.DUE)
    assume(lasting in {MoneyStanding(0), MoneyStanding.SETTLED, MoneyStanding.HELD, MoneyStanding.DUE})
    unread = MoneyStanding.UNREAD in standing
    found = told(
        standing,
        cost=cost if lasting is MoneyStanding.SETTLED else 0,
        billed=0 if unread else billed,
        refunded=0 if unread else refunded,
    )
    bridge = sum(amount for name, amount in found.items() if name not in BOOKED_AND_BILLED)
    assert found.keys() <= set(MONEY)
    assert found.get("spent", 0) + bridge == found.get("charged", 0) - found.get("refunded", 0)


def test_what_was_paid_as_it_was_held_is_spent_and_charged_and_nothing_else():
    usual = MoneyStanding.BOOKED | MoneyStanding.CHARGED | MoneyStanding.SETTLED
    assert told(usual, cost=COST, billed=COST) == {"spent": COST, "charged": COST}


def test_what_no_bill_tells_yet_is_spent_and_unread():
    standing = MoneyStanding.BOOKED | MoneyStanding.SETTLED | MoneyStanding.UNREAD
    assert told(standing, cost=COST) == {"spent": COST, "unread": -COST}


def test_money_that_is_held_or_due_is_open_at_the_price_that_was_held():
    for standing, name in ((MoneyStanding.HELD, "under_way"), (MoneyStanding.DUE, "due")):
        found = told(MoneyStanding.BOOKED | MoneyStanding.CHARGED | standing, billed=COST)
        assert found == {"open": PRICE, name: COST, "charged": COST}


def test_what_was_let_go_and_charged_all_the_same_is_counted_free():
    assert told(MoneyStanding.BOOKED | MoneyStanding.CHARGED, billed=COST) == {
        "charged": COST,
        "counted_free": COST,
    }


def test_tries_without_pictures_that_were_paid_are_counted():
    standing = MoneyStanding.BOOKED | MoneyStanding.CHARGED | MoneyStanding.SETTLED | MoneyStanding.FAILED
    assert told(standing, attempts=3, cost=COST, billed=COST)["failed_paid"] == 3


def test_a_charge_and_a_refund_of_other_months_are_in_the_bridge_alone():
    settled = MoneyStanding.BOOKED | MoneyStanding.SETTLED
    assert told(settled, cost=COST, billed=COST)["charged_elsewhen"] == -COST
    assert told(MoneyStanding.CHARGED, billed=COST) == {"charged": COST, "charged_of_other": COST}
    assert told(MoneyStanding.REFUNDED, billed=COST, refunded=COST) == {
        "refunded": COST,
        "refunded_of_other": -COST,
    }
