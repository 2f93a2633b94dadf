"""What is believed of a bill beside what was held, and what counts until a person has looked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.bill_size import Basis, Size, basis_of, charge_that_counts, drifts, kept_of, size_of

HELD = 28_000
MICROS = st.integers(1, 10**9)


@pytest.mark.parametrize(
    ("billed", "size"),
    [
        (0, Size.USUAL),  # nothing was shown
        (HELD // 100, Size.SMALL),
        (HELD // 5 - 1, Size.SMALL),
        (HELD // 5, Size.USUAL),
        (HELD, Size.USUAL),
        (2 * HELD, Size.USUAL),
        (5 * HELD, Size.USUAL),
        (5 * HELD + 1, Size.LARGE),
        (100 * HELD, Size.LARGE),
    ],
)
def test_a_price_lies_between_a_fifth_and_five_times_what_was_held(billed, size):
    assert size_of(billed, HELD) is size


@given(MICROS, MICROS, st.sampled_from(Basis))
def test_no_bill_of_implausible_size_counts_less_than_what_was_held(billed, held, basis):
    counted = charge_that_counts(billed, held, basis=basis)
    assert counted == billed if size_of(billed, held) is Size.USUAL else counted >= held


@pytest.mark.parametrize(
    ("basis", "counts"), [(Basis.HELD, HELD), (Basis.BILLED, 100 * HELD), (Basis.UNKNOWN, 100 * HELD)]
)
def test_a_bill_that_is_too_large_counts_in_full_unless_the_balance_says_otherwise(basis, counts):
    assert charge_that_counts(100 * HELD, HELD, basis=basis) == counts


@given(MICROS, MICROS, st.integers(0, 10**10))
def test_what_is_kept_is_the_same_share_in_either_unit_and_never_less(counted, billed, refunded):
    kept = kept_of(counted, billed, refunded)
    left = max(0, billed - refunded)
    assert 0 <= kept <= counted
    assert kept * billed >= counted * left
    assert (kept == 0) == (left == 0)


@pytest.mark.parametrize(
    ("fell", "basis"),
    [
        (84_000, Basis.HELD),
        (100_000, Basis.HELD),  # another program took a little
        (8_400_000, Basis.BILLED),
        (800_000, Basis.UNKNOWN),  # neither
        (0, Basis.UNKNOWN),
        (-5_000_000, Basis.UNKNOWN),  # it was topped up
    ],
)
def test_the_change_of_the_balance_tells_which_of_two_sums_left_the_account(fell, basis):
    assert basis_of(fell, by_hold_micros=84_000, by_bill_micros=8_400_000) is basis


def test_two_sums_that_are_alike_are_told_apart_by_no_balance():
    assert basis_of(84_000, by_hold_micros=84_000, by_bill_micros=90_000) is Basis.UNKNOWN


@pytest.mark.parametrize(("billed", "percent", "expected"), [(HELD, 0.0, False), (HELD + 280, 1.0, False)])
def test_a_drift_is_more_than_the_per_cent(billed, percent, expected):
    assert drifts(billed, HELD, percent) is expected
    assert drifts(billed + 1, HELD, percent) is True
