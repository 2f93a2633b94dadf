"""Money in the provider's answers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.ports import BillingRecord
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
    assert read_billing([record(price)]) == (
        BillingRecord(id="r1", prediction_id="p1", kind="deduct", micros=micros, created_at_ms=1000),
    )


def test_one_fraction_makes_the_whole_page_dollars():
    found = read_billing([record(1000), record(Decimal("0.5"))])
    assert found is not None
    assert [r.micros for r in found] == [1_000_000_000, 500_000]


def test_refunds_are_kept_and_other_kinds_are_left_out():
    found = read_billing([record(28_000, "refund"), {"billing_type": "top_up", "price": 5}, record(28_000)])
    assert found is not None
    assert [r.kind for r in found] == ["refund", "deduct"]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        record(None),
        record(True),
        record(28_000, prediction=None),
        record(28_000, uuid="../x"),
        record(10**20),
    ],
)
def test_one_unreadable_record_spoils_the_page(bad):
    assert read_billing([record(28_000), bad]) is None


@pytest.mark.parametrize("named", [None, ""])
def test_a_record_without_an_id_still_moves_money(named):
    (read,) = read_billing([record(28_000, uuid=named)])
    assert (read.id, read.prediction_id, read.micros) == ("", "p1", 28_000)
