"""Money, days, keys, delays: the pure values."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.budget import day_of, headroom, period_of, periods_of
from orchestrator.core.decoding import DECODER_ERRORS, decoder_words
from orchestrator.core.money import MICROS_MAX, MoneyError, format_usd, parse_usd
from orchestrator.core.polling import (
    EARLY_SHARE,
    TypicalLatency,
    estimated_latency,
    first_look_seconds,
    next_look_seconds,
    quantile,
)
from orchestrator.core.pricing import asked_inputs

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Pacific/Apia"]
)
INSTANTS = st.integers(0, 4_102_444_800_000)

# --- money ---


@given(st.integers(0, MICROS_MAX))
def test_an_amount_survives_its_own_text(micros):
    assert parse_usd(format_usd(micros)) == micros


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_text_adds_up_exactly(a, b):
    assert parse_usd(format_usd(a)) + parse_usd(format_usd(b)) == parse_usd(format_usd(a + b))


@pytest.mark.parametrize(
    ("text", "micros"),
    [("40", 40_000_000), ("40.00", 40_000_000), ("0.028", 28_000), (7, 7_000_000), (" 0.000001 ", 1)],
)
def test_amounts_people_write(text, micros):
    assert parse_usd(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1e3",
        "inf",
        "nan",
        "1,000",
        "0.0000001",
        ".5",
        "5.",
        "$5",
        "1_0",
        True,
        0.1e-9,
        "10000000000",
    ],
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(MoneyError):
        parse_usd(text)


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.00"), (28_000, "0.028"), (40_000_000, "40.00"), (-5_000, "-0.005")]
)
def test_amounts_are_shown_with_two_decimals_or_as_many_as_they_need(micros, text):
    assert format_usd(micros) == text


# --- budget days ---


@given(INSTANTS, ZONES)
def test_a_day_is_the_local_calendar_day(now, zone):
    local = datetime.fromtimestamp(now / 1000, tz=UTC).astimezone(ZoneInfo(zone))
    assert day_of(now, zone) == local.strftime("%Y-%m-%d")


@given(INSTANTS, st.integers(0, 86_400_000), ZONES)
def test_days_never_go_back_and_skip_at_most_one(now, later, zone):
    first, second = (date.fromisoformat(day_of(at, zone)) for at in (now, now + later))
    assert timedelta(0) <= second - first <= timedelta(2)


@given(INSTANTS, ZONES)
def test_an_amount_counts_in_its_day_its_month_and_in_total(now, zone):
    day = day_of(now, zone)
    assert periods_of(day) == tuple(period_of(window, day) for window in ("total", "month", "day"))
    assert day.startswith(period_of("month", day))


@pytest.mark.parametrize(
    ("local", "zone", "day"),
    [
        ("2026-03-29T01:59:59+01:00", "Europe/Berlin", "2026-03-29"),  # a second before the clocks go forward
        ("2026-10-25T02:30:00+02:00", "Europe/Berlin", "2026-10-25"),  # the hour that comes twice: first
        ("2026-10-25T02:30:00+01:00", "Europe/Berlin", "2026-10-25"),  # and second
        ("2026-02-28T23:59:59+00:00", "UTC", "2026-02-28"),
        ("2028-02-29T12:00:00+00:00", "UTC", "2028-02-29"),
        ("2026-12-31T23:30:00+00:00", "Europe/Berlin", "2027-01-01"),
    ],
)
def test_days_around_clock_changes_and_month_ends(local, zone, day):
    assert day_of(int(datetime.fromisoformat(local).timestamp() * 1000), zone) == day


@given(*[st.integers(0, 10**9)] * 4)
def test_headroom_is_what_is_left_and_never_negative(cap, spent, held, due):
    left = headroom(cap_micros=cap, spent_micros=spent, held_micros=held, refund_due_micros=due)
    assert left == max(0, cap - spent - held - due)
    assert left == 0 or spent + held + due + left == cap


# --- keys ---


# --- delays ---


@given(st.integers(-3, 10_000), st.floats(0.001, 100), st.floats(0.001, 1000), st.integers(0, 99))
def test_a_delay_is_at_most_its_cap_and_doubles_until_then(tries, base, cap, seed):
    uniform = random.Random(seed).uniform
    longest = backoff_seconds(tries, base_seconds=base, cap_seconds=cap, uniform=lambda low, high: high)
    assert longest == min(cap, base * 2.0 ** min(max(tries, 1) - 1, 62))
    assert 0 <= backoff_seconds(tries, base_seconds=base, cap_seconds=cap, uniform=uniform) <= longest


usual_latencies = st.builds(
    lambda fast, share: TypicalLatency(fast * share, fast), st.floats(0, 10_000), st.floats(0.01, 1)
)


@given(usual_latencies, st.floats(0.1, 5), st.floats(5, 100), st.integers(0, 99))
def test_the_first_look_is_a_step_after_the_earliest_results(typical, minimum, maximum, seed):
    uniform = random.Random(seed).uniform
    look = first_look_seconds(typical, minimum=minimum, maximum=maximum, uniform=uniform)
    assert minimum / 5 <= look <= 6 * maximum + minimum / 5
    planned = min(max(typical.early_seconds * (1 + typical.step_share), minimum / 5), 6 * maximum)
    assert planned <= look <= planned + minimum / 5


@given(st.floats(0, 100_000), usual_latencies, st.floats(0.1, 5), st.floats(5, 100), st.integers(0, 99))
def test_looks_grow_apart_with_the_time_waited(elapsed, typical, minimum, maximum, seed):
    uniform = random.Random(seed).uniform
    wait = next_look_seconds(elapsed, typical, minimum=minimum, maximum=maximum, uniform=uniform)
    step = min(max(elapsed * typical.step_share, minimum), maximum)
    assert 0.9 * step * (1 - 1e-9) <= wait <= 1.1 * step * (1 + 1e-9)


@given(st.floats(0, 10_000), st.floats(0, 10_000))
def test_the_slower_a_model_the_smaller_the_share_of_a_step(one, other):
    quick, slow = sorted((one, other))
    assert 0.02 <= TypicalLatency(slow, slow).step_share <= TypicalLatency(quick, quick).step_share <= 0.4


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.none() | st.integers(0, 10**7))
def test_an_estimated_latency_lies_between_the_look_that_saw_it_running_and_the_one_that_saw_its_end(
    one, other, inference
):
    running_at, ended_by = sorted((one, other))
    assert running_at <= estimated_latency(ended_by, running_at, inference) <= ended_by
    if inference and running_at <= inference <= ended_by:
        assert estimated_latency(ended_by, running_at, inference) == inference


def test_first_looks_that_come_too_late_mend_themselves():
    typical = TypicalLatency(100.0, 100.0)
    for _ in range(40):  # every task takes a second, and the provider says nothing of its timing
        look = first_look_seconds(typical, minimum=0.5, maximum=10.0, uniform=lambda low, _high: low)
        ended_by = max(round(1000 * look), 1000)
        fast = estimated_latency(ended_by, 0, None) / 1000
        typical = TypicalLatency(fast * EARLY_SHARE, fast)
    assert look < 1.5


@given(st.lists(st.integers(), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_grows_with_its_share(values, share):
    ordered = sorted(values)
    assert ordered[0] <= quantile(ordered, share) <= quantile(ordered, 1.0) == ordered[-1]


@pytest.mark.parametrize("error", [kind() for kind in (*DECODER_ERRORS, OSError)])
def test_what_a_decoder_raises_is_never_told_by_the_name_of_its_class(error):
    words = decoder_words(error)
    assert words
    assert type(error).__name__ not in words


def test_a_decoders_own_words_are_told():
    assert decoder_words(SyntaxError("broken PNG file")) == "broken PNG file"
    assert decoder_words(KeyError("IHDR")) == "its data is damaged or breaks off"
    assert decoder_words(MemoryError("7 GB")) == "it needs more memory than there is"


def test_a_price_is_asked_without_local_pictures_and_without_the_one_that_a_stage_will_take():
    params = {"prompt": "x", "images": ["a.png", "@picture", "https://example.com/b.png"], "num_images": 2}
    asked = asked_inputs(params, {"a.png"})
    assert asked == {"prompt": "x", "images": ["https://example.com/b.png"], "num_images": 2}
    assert asked_inputs({"prompt": "x", "images": ["@picture"]}, {}) == {"prompt": "x"}
