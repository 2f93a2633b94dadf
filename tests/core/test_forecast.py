"""What a month will come to, by what usually comes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.forecast import (
    DAY_MS,
    DAYS,
    LITTLE,
    LOOKED_UP,
    TICKS,
    TICKS_MAX,
    Bound,
    Facts,
    Series,
    continued,
    forecast,
    may_start,
    percentile,
)


def facts(**known):
    return Facts(**{"now": 0, "end": 10 * DAY_MS, "committed": 100, "queued": 10, **known})


def nightly(costs, coming):
    return [Series([(-(len(costs) - at) * DAY_MS, cost) for at, cost in enumerate(costs)], coming)]


def test_with_a_schedule_each_coming_tick_costs_what_the_last_ones_did_in_the_middle():
    found = forecast(facts(series=nightly([0, 0, 5, 0, 0, 90, 0], [DAY_MS, 2 * DAY_MS])))
    assert (found.p50, found.p90, found.basis) == (110, 110 + 2 * 90, TICKS)


def test_only_the_last_seven_ticks_count():
    found = forecast(facts(series=nightly([999, *[3] * 7], [DAY_MS])))
    assert (found.p50, found.p90) == (113, 113)


def test_a_tick_after_the_window_costs_nothing_in_it():
    assert forecast(facts(series=nightly([3, 3, 3], [9 * DAY_MS, 10 * DAY_MS]))).p50 == 113


def test_without_a_schedule_the_last_days_go_on_and_what_waits_is_part_of_them():
    found = forecast(facts(days=[7, 0, 14]))
    assert (found.p50, found.p90, found.basis) == (170, 240, DAYS)
    assert forecast(facts(days=[0, 0, 0])).p50 == 110


def test_with_less_than_three_samples_nothing_is_foretold():
    for known in ({}, {"days": [5, 5]}, {"series": nightly([5, 5], [DAY_MS])}):
        found = forecast(facts(**known))
        assert (found.p50, found.p90, found.basis) == (None, None, LITTLE)
        assert (found.committed, found.queued) == (100, 10)


def test_what_waits_is_dearer_by_the_share_of_tries_that_were_paid_for_nothing():
    found = forecast(facts(queued=200, days=[0, 0, 0], paid_failures=(5, 100)))
    assert (found.p50, found.queued) == (310, 200)


def test_a_cap_is_reached_at_the_first_tick_that_passes_it():
    series = nightly([30, 30, 30], [DAY_MS, 2 * DAY_MS, 3 * DAY_MS])
    assert forecast(facts(series=series, cap=170)).cap_reached_at == 3 * DAY_MS
    assert forecast(facts(series=series, cap=200)).cap_reached_at is None
    assert forecast(facts(series=series, cap=105)).cap_reached_at == 0, "what waits passes it"


def test_a_cap_is_reached_on_the_day_by_the_rate_of_days():
    assert forecast(facts(days=[10, 10, 10], cap=135)).cap_reached_at == 4 * DAY_MS


@given(st.lists(st.integers(0, 10**9), min_size=1), st.sampled_from([50, 90]))
def test_a_percentile_lies_between_the_least_and_the_most(values, share):
    assert min(values) <= percentile(values, share) <= max(values)


@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=9),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 30),
)
def test_a_forecast_is_never_less_than_what_counts_and_waits(days, committed, queued, ahead):
    found = forecast(Facts(0, ahead * DAY_MS, committed=committed, queued=queued, days=days))
    assert committed + queued <= found.p50 <= found.p90


def test_a_schedule_that_does_not_fire_in_the_window_needs_no_history():
    nights = Series(tuple((-at * DAY_MS, 5) for at in (3, 2, 1)), (DAY_MS,))
    young = Series(((-DAY_MS, 7),), ())
    found = forecast(Facts(0, 2 * DAY_MS, committed=1, queued=0, series=(nights, young)))
    assert (found.basis, found.p50) == (TICKS, 6)
    fires = replace(young, coming=(1,))
    assert forecast(Facts(0, 2 * DAY_MS, committed=1, queued=0, series=(nights, fires))).basis == LITTLE


def test_few_ticks_are_as_they_were_looked_up():
    assert continued([5, 100, 7_000_000], 10**12) == [5, 100, 7_000_000]


def test_behind_many_ticks_more_follow_as_far_apart_in_the_mean():
    by_day = [hour * 3_600_000 + day * DAY_MS for day in range(LOOKED_UP // 8) for hour in range(9, 17)]
    found = continued(by_day, 2 * len(by_day) // 8 * DAY_MS)
    assert found[: len(by_day)] == by_day
    assert len(found) == pytest.approx(2 * len(by_day), rel=0.01)


@given(st.integers(60_000, DAY_MS), st.integers(0, 100 * DAY_MS))
def test_no_tick_comes_twice_or_outside_the_window(step, more):
    ticks = [number * step for number in range(LOOKED_UP)]
    found = continued(ticks, ticks[-1] + 1 + more)
    assert found == sorted(set(found))
    assert len(found) <= TICKS_MAX
    assert found[-1] <= ticks[-1] + more


def test_what_waits_starts_as_far_as_every_cap_lets_it_with_new_money_each_day():
    assert may_start(100, []) == 100
    assert may_start(100, [Bound(60)]) == 60
    assert may_start(100, [Bound(10, again=20, times=3), Bound(90)]) == 70
    assert may_start(100, [Bound(0)]) == 0
