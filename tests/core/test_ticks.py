"""What is decided about ticks: catching up, overlapping, ending."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.states import TICK_TRANSITIONS, TickEvent, TickState, step
from orchestrator.core.tick_decisions import (
    CAUGHT_UP_MAX,
    STUCK_MS,
    OpenTick,
    TickWork,
    admissions,
    caught_up,
    end_of,
)
from orchestrator.core.ticks import (
    HOUR_MS,
    CatchUp,
    Firing,
    Overlap,
    ScheduleWords,
    TickKind,
    WhenShort,
    jitter_of,
    words_from,
)

NIGHTLY = ScheduleWords("30 2 * * *", "UTC")
ALL = ScheduleWords("30 2 * * *", "UTC", catch_up=CatchUp.ALL, max_age_ms=7 * 24 * HOUR_MS)
QUEUE = ScheduleWords("30 2 * * *", "UTC", overlap=Overlap.QUEUE)
NOW = 1_000 * HOUR_MS


def nights(*hours_ago):
    return [Firing(f"k{hours}", NOW - hours * HOUR_MS, "2026-11-28T02:30") for hours in hours_ago]


def keys(firings):
    return [firing.key for firing in firings]


def test_the_newest_missed_tick_is_made_and_the_older_ones_are_missed():
    wanted, missed = caught_up(nights(51, 27, 3), NOW, NIGHTLY)
    assert keys(wanted) == ["k3"]
    assert keys(missed) == ["k51", "k27"]


def test_a_tick_that_is_too_old_is_missed_too():
    wanted, missed = caught_up(nights(37, 13), NOW, NIGHTLY)
    assert wanted == []
    assert keys(missed) == ["k37", "k13"]


def test_all_are_made_oldest_first_and_at_most_seven():
    wanted, missed = caught_up(nights(*range(10, 0, -1)), NOW, ALL)
    assert keys(wanted) == [f"k{hours}" for hours in range(CAUGHT_UP_MAX, 0, -1)]
    assert keys(missed) == ["k10", "k9", "k8"]


@given(st.lists(st.integers(0, 400), unique=True), st.sampled_from([NIGHTLY, ALL, QUEUE]))
def test_every_tick_is_either_made_or_missed(hours, words):
    found = nights(*sorted(hours, reverse=True))
    wanted, missed = caught_up(found, NOW, words)
    assert sorted(keys(wanted) + keys(missed)) == sorted(keys(found))
    assert len(wanted) <= (CAUGHT_UP_MAX if words is ALL else 1)
    assert all(NOW - firing.at <= words.max_age_ms for firing in wanted)


def tick(number, state=TickState.DUE, *, kind=TickKind.SCHEDULED, hours=0.0, **more):
    at = NOW - int(hours * HOUR_MS)
    return OpenTick(number, at, more.pop("due_at", at), kind=kind, state=state, **more)


def decided(ticks, words=NIGHTLY):
    return [(item.tick.id, item.event, item.reason) for item in admissions(ticks, NOW, words)]


def test_a_due_tick_begins():
    assert decided([tick(1)]) == [(1, TickEvent.TAKEN, None)]


def test_nothing_begins_before_its_jitter_has_passed():
    assert decided([tick(1, due_at=NOW + 1)]) == []


@pytest.mark.parametrize("busy", [TickState.EXPANDING, TickState.APPLIED, TickState.WORKING])
def test_a_tick_is_skipped_while_an_earlier_one_is_at_work(busy):
    assert decided([tick(1, busy, hours=24), tick(2)]) == [(2, TickEvent.SKIPPED, "overlap")]


def test_a_queued_tick_waits_and_the_newest_wins():
    waiting = tick(2, hours=1, queued=True)
    assert decided([tick(1, TickState.WORKING, hours=2), waiting], QUEUE) == [(2, None, "queued")]
    assert decided([tick(1, TickState.WORKING, hours=2), waiting, tick(3)], QUEUE) == [
        (2, TickEvent.REPLACED, "overtaken"),
        (3, None, "queued"),
    ]


def test_a_queued_tick_begins_however_long_it_waited():
    assert decided([tick(1, hours=40, queued=True)], QUEUE) == [(1, TickEvent.TAKEN, None)]


def test_what_a_person_asked_for_waits_and_is_never_skipped_or_too_old():
    asked = tick(2, kind=TickKind.BACKFILL, hours=400)
    assert decided([tick(1, TickState.WORKING), asked]) == [(2, None, "queued")]
    assert decided([asked]) == [(2, TickEvent.TAKEN, None)]


def test_one_of_several_begins_the_oldest_first():
    assert decided([tick(1, hours=3), tick(2, hours=2)], ALL) == [(1, TickEvent.TAKEN, None)]


def test_a_tick_that_nobody_took_before_the_next_one_is_missed():
    assert decided([tick(1, hours=11), tick(2)]) == [
        (1, TickEvent.OVERTAKEN, "overtaken"),
        (2, TickEvent.TAKEN, None),
    ]


def test_a_tick_that_nobody_took_in_time_is_missed():
    assert decided([tick(1, hours=13)]) == [(1, TickEvent.OVERTAKEN, "too_old")]


def test_the_next_tick_takes_the_place_of_one_that_waits_for_a_person():
    held = tick(1, TickState.WAITING_APPROVAL, hours=24)
    assert decided([held, tick(2)]) == [(1, TickEvent.REPLACED, "overtaken"), (2, TickEvent.TAKEN, None)]
    assert decided([held]) == []


def test_an_approved_tick_begins_late_and_is_not_skipped():
    assert decided([tick(1, hours=30, approved=True)]) == [(1, TickEvent.TAKEN, None)]
    busy = [tick(1, TickState.WORKING), tick(2, approved=True)]
    assert decided(busy) == [(2, None, "queued")]


def test_what_a_worker_died_over_is_gone_on_with_however_late_and_before_what_came_since():
    assert decided([tick(1, hours=30, begun=True), tick(2)]) == [(1, TickEvent.TAKEN, None)]
    assert decided([tick(1, TickState.WORKING, hours=31), tick(2, hours=30, begun=True)]) == [
        (2, None, "queued")
    ]


TICKS = st.lists(
    st.builds(
        OpenTick,
        st.integers(1, 10**6),
        st.integers(NOW - 20 * HOUR_MS, NOW),
        st.just(NOW),
        st.sampled_from(list(TickKind)),
        st.sampled_from([TickState.DUE, TickState.WORKING, TickState.EXPANDING, TickState.WAITING_APPROVAL]),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda item: item.id,
)


@given(TICKS, st.sampled_from([NIGHTLY, ALL, QUEUE]))
def test_at_most_one_tick_of_a_schedule_is_at_work_and_every_decision_is_a_legal_step(ticks, words):
    found = admissions(ticks, NOW, words)
    busy = sum(item.state in {TickState.WORKING, TickState.EXPANDING} for item in ticks)
    assert sum(item.event is TickEvent.TAKEN for item in found) + (busy > 0) <= 1
    for item in found:
        if item.event is not None:
            step(TICK_TRANSITIONS, item.tick.state, item.event)
    ids = [item.tick.id for item in found]
    assert len(ids) == len(set(ids))
    due = {item.id for item in ticks if item.state is TickState.DUE}
    assert busy or not due or any(item.event is TickEvent.TAKEN for item in found) or due <= set(ids)


def work(**said):
    return TickWork(
        **{"moving": False, "waiting": 0, "failed": 0, "succeeded": 5, "in_doubt": 0, "capped": False} | said
    )


@pytest.mark.parametrize(
    ("said", "event", "reason", "code", "counts"),
    [
        ({}, TickEvent.ENDED, None, 0, False),
        ({"failed": 1}, TickEvent.ENDED, "some_failed", 3, False),
        ({"failed": 3, "succeeded": 0}, TickEvent.FAILED, "nothing_stored", 3, True),
        ({"succeeded": 0}, TickEvent.ENDED, None, 0, False),
        ({"waiting": 4, "capped": True}, TickEvent.ENDED, "cap", 4, False),
        ({"waiting": 4, "capped": True, "over_time": True}, TickEvent.ENDED, "finish_by", 4, False),
        ({"waiting": 4, "capped": True, "succeeded": 0}, TickEvent.ENDED, "cap", 4, False),
        ({"waiting": 4, "stuck_ms": STUCK_MS}, TickEvent.ENDED, "stopped", 5, True),
        ({"waiting": 4, "stuck_ms": STUCK_MS, "succeeded": 0}, TickEvent.FAILED, "stopped", 5, True),
        ({"in_doubt": 1, "stuck_ms": STUCK_MS}, TickEvent.ENDED, "in_doubt", 5, True),
    ],
)
def test_how_a_tick_ends(said, event, reason, code, counts):
    end = end_of(work(**said))
    assert (end.event, end.reason, end.code, end.counts) == (event, reason, code, counts)


@pytest.mark.parametrize(
    "said", [{"moving": True}, {"waiting": 4}, {"in_doubt": 1, "stuck_ms": STUCK_MS - 1}]
)
def test_a_tick_does_not_end_while_it_moves_or_while_a_stop_is_young(said):
    assert end_of(work(**said)) is None


def test_jitter_is_the_same_whoever_asks_and_spread_over_schedules():
    found = {jitter_of(f"campaign/{number}", "2026-11-28T02:30", 600_000) for number in range(50)}
    assert len(found) > 40
    assert all(0 <= ms < 600_000 for ms in found)
    assert jitter_of("a", "k", 600_000) == jitter_of("a", "k", 600_000)
    assert jitter_of("a", "k", 0) == 0


def test_what_is_kept_of_a_schedule_gives_the_same_words():
    words = ScheduleWords(
        cron="0 3 * * *",
        timezone="Europe/Vienna",
        overlap=Overlap.QUEUE,
        catch_up=CatchUp.ALL,
        max_age_ms=5,
        budget_micros=2_000_000,
        jitter_ms=1000,
        pause_after_failures=3,
        when_short=WhenShort.SKIP,
        ping="https://hc.example/x",
    )
    assert words_from(words.cron, words.timezone, words.settings()) == words


def test_the_word_of_a_tick_is_fit_for_a_run_key():
    assert Firing("k", 0, "2026-10-25T02:30-2").word == "2026-10-25T02-30-2"
    assert Firing("k", 0, "2026-10-25T02:30-2").date == "2026-10-25"
