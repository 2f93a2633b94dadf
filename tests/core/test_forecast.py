"""What a month will come to, by what usually comes."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.forecast import (
    DAY_MS,
    DAYS,
    LITTLE,
    TICKS,
    WEEK_MS,
    Bound,
    Facts,
    Series,
    coming_ticks,
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


def test_ticks_come_as_they_did_in_the_last_week():
    workdays = [at * DAY_MS for at in range(-14, 0) if at % 7 not in {5, 6}]
    assert coming_ticks(workdays, 0, 8 * DAY_MS) == [at * DAY_MS for at in (0, 1, 2, 3, 4, 7)]


def test_a_young_schedule_goes_on_at_its_usual_interval():
    assert coming_ticks([-2 * DAY_MS, -DAY_MS], 0, 3 * DAY_MS) == [0, DAY_MS, 2 * DAY_MS]
    assert coming_ticks([], 5, 3 * DAY_MS) == [5]
    assert coming_ticks([-DAY_MS], None, DAY_MS) == []


@given(st.lists(st.integers(-4 * WEEK_MS, -1)), st.integers(0, WEEK_MS), st.integers(0, 5 * WEEK_MS))
def test_no_tick_comes_twice_or_outside_the_window(past, first, end):
    found = coming_ticks(past, first, end)
    assert found == sorted(set(found))
    assert all(first <= at < end for at in found)


def test_what_waits_starts_as_far_as_every_cap_lets_it_with_new_money_each_day():
    assert may_start(100, []) == 100
    assert may_start(100, [Bound(60)]) == 60
    assert may_start(100, [Bound(10, again=20, times=3), Bound(90)]) == 70
    assert may_start(100, [Bound(0)]) == 0
