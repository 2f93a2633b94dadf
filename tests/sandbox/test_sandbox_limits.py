"""Windows, slots and draws on their own."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.app import open_app
from orchestrator.sandbox import SandboxThread
from orchestrator.sandbox.account.limits import SlidingWindow, Slots, Unfinished

gaps = st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 90_000)), max_size=60)


@given(gaps)
def test_the_window_peak_is_the_most_of_any_60_seconds(steps):
    window, now, times = SlidingWindow(), 0, []
    for gap, _ in steps:
        now += gap
        times.append(now)
        window.add(now)
    most = max((sum(end - 60_000 < time <= end for time in times) for end in times), default=0)
    assert window.peak == most


@given(gaps)
def test_the_concurrency_peak_is_the_most_at_any_acceptance(steps):
    unfinished, now, spans = Unfinished(), 0, []
    for gap, length in steps:
        now += gap
        spans.append((now, now + length))
        unfinished.add(now, now + length)
    most = 0
    for place, (begin, _) in enumerate(spans):
        others = sum(1 for start, end in spans[:place] if start <= begin < end)
        most = max(most, others + 1)
    assert unfinished.peak == most


@given(gaps, st.integers(1, 4))
def test_slots_never_hold_more_than_their_limit_and_never_idle_with_a_queue(steps, limit):
    slots, now, spans = Slots(), 0, []
    for gap, length in steps:
        now += gap
        begin = slots.start_ms(now, limit)
        slots.occupy(begin + length)
        spans.append((now, begin, begin + length))
    for asked, begin, _ in spans:
        working = sum(1 for _, other, end in spans if other <= begin < end)
        assert working <= limit
        if begin > asked:
            assert sum(1 for _, other, end in spans if other < begin <= end) >= limit


def test_the_stand_in_of_a_rehearsal_allows_what_the_rehearsal_keeps_to(monkeypatch, tmp_path):
    made = []

    class Recorded(SandboxThread):
        def __init__(self, config):
            made.append(config)
            super().__init__(config)

    monkeypatch.setattr("orchestrator.sandbox.SandboxThread", Recorded)
    with open_app(None, {}, tmp_path, sandbox=True, need_database=False) as app:
        ours = app.settings.limits
    (there,) = made
    assert there.submits_per_minute_limit >= ours.submits_per_minute
    assert there.concurrency_limit >= ours.concurrency
