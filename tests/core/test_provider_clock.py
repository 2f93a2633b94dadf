"""The provider's clock is measured by its answers: never narrower than the truth, never by one liar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.provider_clock import UNMEASURED, DatedBy, Instant, Offset, ProviderClock

START = 1_795_348_800_000
BOUND = 180_000


def at(seconds, *, step_ms=0):
    """Our clocks so many seconds after the start; the wall clock was set by so much meanwhile."""
    return Instant(START + round(seconds * 1000) + step_ms, 50.0 + seconds)


def heard(clock, dates, *, kind=DatedBy.TASK, step_ms=0):
    """Answers: when we sent, how long it took, and the date they bear beyond our clock's middle."""
    for sent, took, ahead_ms in dates:
        shown = at((2 * sent + took) / 2).wall_ms + ahead_ms
        shown = shown - shown % 1000 if kind is DatedBy.ANSWER else shown
        clock.note(kind, shown, sent=at(sent, step_ms=step_ms), received=at(sent + took, step_ms=step_ms))
    return clock


@given(
    true_ms=st.integers(-100_000, 100_000),
    answers=st.lists(
        st.tuples(st.floats(0, 500), st.floats(0.001, 5), st.floats(0, 1), st.sampled_from(DatedBy)),
        min_size=1,
        max_size=50,
    ),
)
def test_what_is_measured_always_holds_the_truth(true_ms, answers):
    clock = ProviderClock()
    for sent, took, part, kind in sorted(answers, key=lambda answer: answer[0]):
        shown = int(at(sent + took * part).wall_ms + true_ms)
        shown -= shown % 1000 if kind is DatedBy.ANSWER else 0
        clock.note(kind, shown, sent=at(sent), received=at(sent + took))
    window = clock.window(at(500).wall_ms, at(600))
    assert window.low <= true_ms <= window.high
    found = clock.offset()
    assert found is None or found.low - 1 <= true_ms <= found.high + 1


def test_quick_answers_about_tasks_narrow_a_window_to_fractions_of_a_second():
    clock = heard(ProviderClock(), [(1, 0.1, 5_000), (2, 0.04, 5_000)])
    window = clock.window(at(2).wall_ms, at(3))
    assert window.low <= 5_000 <= window.high
    assert window.high - window.low < 500


def test_nothing_is_narrowed_by_the_date_of_answers_alone_because_a_proxy_may_have_written_it():
    clock = heard(ProviderClock(), [(n, 0.1, 0) for n in range(5)], kind=DatedBy.ANSWER)
    assert clock.window(at(4).wall_ms, at(5)) == UNMEASURED
    assert clock.offset() is not None


@pytest.mark.parametrize("step_ms", [-70_000, 20_000, 400 * 86_400_000])
def test_what_was_sent_before_our_clock_was_set_is_not_judged_by_what_was_measured_after(step_ms):
    clock = heard(ProviderClock(), [(1, 0.1, 0), (2, 0.1, 0)])
    assert clock.window(at(2).wall_ms, at(3, step_ms=step_ms)) == UNMEASURED
    heard(clock, [(4, 0.1, 0)], step_ms=step_ms)
    assert clock.window(at(2).wall_ms, at(5, step_ms=step_ms)) == UNMEASURED


def test_what_is_sent_after_our_clock_was_set_forward_is_measured_anew():
    clock = heard(ProviderClock(), [(1, 0.1, 0)])
    heard(clock, [(4, 0.1, 0)], step_ms=20_000)
    window = clock.window(at(4.5, step_ms=20_000).wall_ms, at(5, step_ms=20_000))
    assert window.low <= -20_000 <= window.high < 0


def test_tasks_that_contradict_each_other_narrow_nothing():
    clock = heard(ProviderClock(), [(1, 0.1, 0), (2, 0.1, 9_000)])
    assert clock.window(at(2).wall_ms, at(3)) == UNMEASURED
    assert clock.wrong_by_ms(BOUND) is None


def test_a_clock_that_is_off_is_told_with_its_direction_once_enough_dates_agree():
    day = 86_400_000
    dates = [(n, 0.1, -400 * day) for n in range(3)]
    assert heard(ProviderClock(), dates[:2], kind=DatedBy.ANSWER).wrong_by_ms(BOUND) is None
    found = heard(ProviderClock(), dates, kind=DatedBy.ANSWER).wrong_by_ms(BOUND)
    assert found == pytest.approx(-400 * day, abs=2_000)
    assert heard(ProviderClock(), [(1, 0.1, 200_000)]).wrong_by_ms(BOUND) == pytest.approx(200_000, abs=100)
    assert heard(ProviderClock(), [(1, 0.1, 170_000)]).wrong_by_ms(BOUND) is None


def test_one_proxy_with_a_wrong_date_among_honest_answers_changes_nothing():
    clock = heard(ProviderClock(), [(n, 0.1, 0) for n in range(4)], kind=DatedBy.ANSWER)
    heard(clock, [(5, 0.1, 7 * 86_400_000)] * 2, kind=DatedBy.ANSWER)
    assert clock.wrong_by_ms(BOUND) is None


def test_tasks_overrule_what_a_proxy_says():
    clock = heard(ProviderClock(), [(n, 0.1, 999_000_000) for n in range(9)], kind=DatedBy.ANSWER)
    assert clock.wrong_by_ms(BOUND) is not None
    assert heard(clock, [(10, 0.1, 0)]).wrong_by_ms(BOUND) is None


def test_a_date_without_a_fraction_may_be_a_second_late():
    clock = ProviderClock()
    clock.note(DatedBy.TASK, START + 1_000, sent=at(1.9), received=at(1.95))
    found = clock.offset()
    assert found == Offset(-950, 99)


def test_a_clock_that_follows_a_servers_is_trusted_less():
    exact, following = (heard(ProviderClock(jitter), [(1, 0.1, 0)]) for jitter in (0, 500))
    narrow, wide = (clock.window(at(1).wall_ms, at(2)) for clock in (exact, following))
    assert (wide.low, wide.high) == (narrow.low - 500, narrow.high + 500)
