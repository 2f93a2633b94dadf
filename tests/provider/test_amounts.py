"""Money in the provider's answers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.money import MICROS_MAX
from orchestrator.ports import BillingRecord, OtherCharge
from orchestrator.provider.amounts import micros_of_usd, read_billing


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        (Decimal("0.0243"), 24_300),
        (Decimal("0.056"), 56_000),
        (Decimal("0.1") + Decimal("0.2"), 300_000),
        (Decimal("0.02799999999999999"), 28_000),
        (Decimal("-1.5"), -1_500_000),
        (Decimal("1E+2"), 100_000_000),
        ("12.34", 12_340_000),
        (3, 3_000_000),
        (0, 0),
        (Decimal("1E+999999999"), None),
        (Decimal("1E-999999999"), 0),
        (Decimal("NaN"), None),
        (Decimal("Infinity"), None),
        (10**30, None),
        ("", None),
        ("abc", None),
        (True, None),
        (None, None),
        (0.5, None),
    ],
)
def test_dollars_become_micros_exactly_or_not_at_all(value, micros):
    assert micros_of_usd(value) == micros


@given(st.integers(-(10**15), 10**15))
def test_every_whole_micro_survives(micros):
    assert micros_of_usd(Decimal(micros) / 1_000_000) == micros


def record(price: object, kind: str = "deduct", **more: object) -> dict[str, object]:
    return {
        "uuid": "r1",
        "billing_type": kind,
        "price": price,
        "created_at": "1970-01-01T00:00:01Z",
        "prediction": {"uuid": "p1"},
        **more,
    }


@pytest.mark.parametrize(
    ("price", "micros"),
    [
        (24_300, 24_300),
        (Decimal("0.0243"), 24_300),
        ("0.0243", 24_300),
        (2, 2_000_000),
        (0, 0),
        (-28_000, 28_000),
    ],
)
def test_both_units_of_a_price_are_normalized(price, micros):
    one = BillingRecord(id="r1", prediction_id="p1", kind="deduct", micros=micros, created_at_ms=1000)
    assert read_billing([record(price)]) == ((one,), ())


def test_one_fraction_makes_the_whole_page_dollars():
    found, _ = read_billing([record(1000), record(Decimal("0.5"))])
    assert [r.micros for r in found] == [1_000_000_000, 500_000]


def test_the_fraction_of_another_service_says_nothing_about_the_unit_of_tasks():
    found, (other,) = read_billing([record(28_000), record(Decimal("0.5"), prediction=None, uuid="x1")])
    assert [r.micros for r in found] == [28_000]
    assert other == OtherCharge("x1", 500_000)


def test_refunds_are_kept_and_other_kinds_are_left_out():
    top_up = {"billing_type": "top_up", "price": 5}
    found, others = read_billing([record(28_000, "refund"), top_up, record(28_000)])
    assert ([r.kind for r in found], others) == (["refund", "deduct"], ())


@pytest.mark.parametrize(
    "bad",
    [None, 7, "text", []],
)
def test_what_is_no_record_spoils_the_page(bad):
    assert read_billing([record(28_000), bad]) is None


@pytest.mark.parametrize("price", [None, True, 10**20, "lots", -28_000])
def test_an_amount_that_cannot_be_read_is_beyond_belief_and_spoils_no_other(price):
    found, others = read_billing([record(28_000, prediction={"uuid": "p0"}), record(price)])
    assert [(r.prediction_id, r.micros) for r in found] == [("p0", 28_000), ("p1", MICROS_MAX + 1)]
    assert others == ()


@pytest.mark.parametrize("task", [None, {}, {"uuid": None}, {"uuid": "llm/chat:1"}, {"uuid": 7}, "p1"])
@pytest.mark.parametrize(("kind", "micros"), [("deduct", 500_000), ("refund", -500_000)])
def test_a_record_about_no_task_of_ours_is_another_charge(task, kind, micros):
    found, others = read_billing([record(28_000), record(Decimal("0.5"), kind, uuid="x1", prediction=task)])
    assert [r.prediction_id for r in found] == ["p1"]
    assert others == (OtherCharge("x1", micros),)


def test_a_record_may_have_an_odd_id_of_its_own():
    ((read,), _) = read_billing([record(28_000, uuid="../x")])
    assert (read.id, read.prediction_id, read.micros) == ("../x", "p1", 28_000)


def test_signs_mean_nothing_where_all_charges_bear_one():
    found, _ = read_billing([record(-28_000), record(-56_000), record(-28_000, "refund")])
    assert [r.micros for r in found] == [28_000, 56_000, 28_000]


@pytest.mark.parametrize("named", [None, ""])
def test_a_record_without_an_id_still_moves_money(named):
    ((read,), _) = read_billing([record(28_000, uuid=named)])
    assert (read.id, read.prediction_id, read.micros) == ("", "p1", 28_000)
