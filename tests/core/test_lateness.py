"""When a task is a person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.lateness import (
    FACTOR,
    LOOKS_MIN,
    Answers,
    is_overdue,
    overdue_after_seconds,
    slowest_seconds,
)

SECONDS = st.floats(min_value=0.001, max_value=10**6)


def test_the_99th_percentile_of_a_log_normal_latency_is_found_from_two_others():
    """Of a median of 30 s and sigma 0.5: p95 is 30 * exp(0.5 * 1.645), p99 30 * exp(0.5 * 2.326)."""
    assert slowest_seconds(30.0, 68.28) == pytest.approx(95.98, rel=0.01)


@given(SECONDS, SECONDS)
def test_the_slowest_is_never_faster_than_what_was_observed(p50, p95):
    assert slowest_seconds(p50, p95) >= p95


@given(SECONDS, SECONDS, SECONDS, st.integers(0, 10))
def test_nothing_is_overdue_before_the_floor(age, slowest, floor, odd):
    assert age >= floor or not is_overdue(Answers(age, odd), slowest=slowest, floor=floor)


@given(SECONDS, SECONDS, st.integers(0, 10))
def test_every_task_is_overdue_in_the_end(slowest, floor, odd):
    end = overdue_after_seconds(slowest, floor)
    assert end <= max(floor, FACTOR * slowest)
    assert is_overdue(Answers(end, odd), slowest=slowest, floor=floor)


@given(SECONDS, st.integers(0, 10))
def test_a_slow_model_has_longer_unless_the_answers_are_odd(slowest, odd):
    age = FACTOR * slowest * 0.99
    assert is_overdue(Answers(age, odd), slowest=slowest, floor=age / 2) is (odd >= LOOKS_MIN)
