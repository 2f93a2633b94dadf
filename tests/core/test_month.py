"""Months of a statement: their bounds, whose line is whose, and what lines say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.month import (
    Amounts,
    BalancePoint,
    Equation,
    NoMonthError,
    amounts_of,
    ends_of,
    month_ms,
    month_of,
    next_month,
    owner_of_late_line,
    parse_month,
    rises,
    total_of,
)

KINDS = (
    "reserve",
    "settle",
    "release",
    "refund_due",
    "refund_seen",
    "refund_lapsed",
    "written_off",
    "adjusted",
)
MICROS = st.integers(-(10**9), 10**9)
HOUR = 3_600_000


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026", "26-11", "2026-11-01", "", "0000-01", "x"])
def test_what_is_no_month_is_refused_with_an_example(text):
    with pytest.raises(NoMonthError, match="2026-11"):
        parse_month(text)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu"])
def test_months_follow_each_other_without_a_gap_also_over_daylight_saving(zone):
    month = "2026-01"
    for _ in range(24):
        start, end = month_ms(month, zone)
        assert month_of(start, zone) == month == month_of(end - 1, zone)
        month = next_month(month)
        assert month_of(end, zone) == month


def test_a_late_line_stands_in_the_month_it_came_in():
    assert owner_of_late_line("2026-10", "2026-12", 9, closed={"2026-10": 5}) == "2026-12"


def test_a_late_line_of_a_clock_that_was_behind_never_stands_in_the_month_that_is_closed():
    assert owner_of_late_line("2026-10", "2026-10", 9, closed={"2026-10": 5}) == "2026-11"


def test_a_late_line_stands_in_no_month_that_was_closed_before_it_came():
    ends = {"2026-10": 5, "2026-11": 8, "2026-12": 9}
    assert owner_of_late_line("2026-10", "2026-11", 9, closed=ends) == "2026-12"


@given(st.lists(st.tuples(st.sampled_from(KINDS), MICROS, MICROS, MICROS)))
def test_whatever_lines_there_are_what_is_said_of_them_adds_up_to_them(lines):
    said = [amounts_of(kind, spent=spent, held=held, due=due) for kind, spent, held, due in lines]
    whole = total_of(said)
    assert whole.net == sum(spent for _, spent, _, _ in lines)
    assert whole.held_open == sum(held + due for _, _, held, due in lines)
    assert whole - whole == Amounts()


def test_a_charge_whose_refund_was_seen_stands_under_both():
    assert amounts_of("refund_seen", spent=0, held=0, due=-28) == Amounts(28, 28, held_open=-28)
    assert amounts_of("refund_seen", spent=10, held=0, due=-28) == Amounts(28, 18, held_open=-28)


def points(*pairs):
    return [BalancePoint(hours * HOUR, micros) for hours, micros in pairs]


def test_a_month_begins_with_the_last_reading_before_it_and_ends_with_the_first_after_it():
    found = ends_of(points((90, 1), (99, 2), (101, 3), (199, 4), (201, 5)), 100 * HOUR, 200 * HOUR)
    assert found == (BalancePoint(99 * HOUR, 2), BalancePoint(201 * HOUR, 5))


def test_without_a_reading_near_its_ends_those_within_it_count():
    found = ends_of(points((1, 1), (120, 3), (150, 4), (300, 5)), 100 * HOUR, 200 * HOUR)
    assert found == (BalancePoint(120 * HOUR, 3), BalancePoint(150 * HOUR, 4))


@pytest.mark.parametrize("pairs", [(), ((1, 1),), ((120, 3),), ((99, 1),)])
def test_one_reading_tells_nothing(pairs):
    assert ends_of(points(*pairs), 100 * HOUR, 200 * HOUR) is None


def test_a_balance_that_rose_was_topped_up_between_the_two_readings():
    found = rises(points((1, 9), (2, 5), (3, 8), (4, 8), (9, 20)), 1 * HOUR, 4 * HOUR)
    assert found == [(BalancePoint(2 * HOUR, 5), BalancePoint(3 * HOUR, 8))]


def test_what_the_equation_does_not_explain_is_what_the_account_has_more():
    equation = Equation(opening=100, top_ups=50, billed=60, refunded=5, closing=90, read_at=(0, 1))
    assert equation.unexplained == -5
