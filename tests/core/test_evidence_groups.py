"""What times and numbers alone tell of lost replies, and what they must never tell."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from weighing import candidate, doubt, weigh

SENT = 1_000_000


def measured(attempt_id, sent_at, *, lasts=100, settled=True):
    """A doubt with a narrow window: the clocks are measured, and an answer ended it."""
    narrow = replace(doubt(attempt_id, f"scene {attempt_id}", sent_at, settled=settled), early_ms=-150)
    return replace(narrow, late_ms=150, last_possible_at=sent_at + lasts)


def test_doubts_of_one_minute_are_told_apart_by_measured_times():
    doubts = [measured(number, SENT + number * 1_000) for number in (1, 2, 3)]
    verdict = weigh(doubts, [candidate("p3", created_at=SENT + 3_050)])
    assert (verdict.adopt, set(verdict.absent)) == (((3, "p3"),), {1, 2})


def test_a_candidate_that_no_other_doubt_can_have_created_leaves_the_next_to_the_others():
    doubts = [measured(1, SENT, lasts=5_000), measured(2, SENT + 1_000, lasts=5_000)]
    seen = [candidate("p1", created_at=SENT + 50), candidate("p2", created_at=SENT + 1_050)]
    assert set(weigh(doubts, seen).adopt) == {(1, "p1"), (2, "p2")}
    only = weigh(doubts, seen[1:])
    assert {attempt_id for attempt_id, _ in only.ambiguous} == {1, 2}


def test_more_tasks_than_doubts_are_left_to_a_person_because_one_is_a_strangers():
    doubts = [measured(1, SENT, lasts=5_000), measured(2, SENT + 1_000, lasts=5_000)]
    seen = [candidate(f"p{number}", created_at=SENT + 2_000) for number in range(3)]
    assert not weigh(doubts, seen).adopt


def test_an_unexplained_task_outside_every_measured_window_keeps_absence_from_being_concluded():
    """The measurement may be wrong; then this is what the doubt has created."""
    stray = candidate("p9", created_at=SENT + 60_000)
    verdict = weigh([measured(1, SENT)], [stray])
    assert (verdict.absent, verdict.ambiguous) == ((), ((1, ("p9",)),))
    far = candidate("p9", created_at=SENT + 600_000)
    assert weigh([measured(1, SENT)], [far]).absent == (1,)


def test_a_task_that_a_request_under_way_may_have_created_is_not_taken_and_rules_nothing_out():
    maybe = replace(candidate("p1", created_at=SENT + 50), may_be_anothers=True)
    assert weigh([measured(1, SENT)], [maybe]).undecided == (1,)
    own = candidate("p2", created_at=SENT + 60)
    assert weigh([measured(1, SENT)], [maybe, own]).undecided == (1,)


def test_as_many_failed_tasks_as_doubts_are_given_out_because_nobody_has_pictures_of_them():
    doubts = [measured(1, SENT), measured(2, SENT)]
    failed = [replace(candidate(f"p{n}", created_at=SENT + 10), failed=True) for n in (1, 2)]
    given_out = weigh(doubts, failed).adopt
    assert ({one for one, _ in given_out}, {name for _, name in given_out}) == ({1, 2}, {"p1", "p2"})
    assert not weigh(doubts, failed[:1]).adopt
    assert not weigh(doubts, [failed[0], replace(failed[1], failed=False)]).adopt


@pytest.mark.parametrize(("shown", "is_adopted"), [(SENT - 1_000, True), (SENT - 2_000, False)])
def test_a_time_that_is_shown_in_whole_seconds_may_be_a_second_later(shown, is_adopted):
    verdict = weigh([measured(1, SENT)], [candidate("p1", created_at=shown)])
    assert bool(verdict.adopt) is is_adopted


TIMES = st.integers(0, 10_000)


@given(sent=st.lists(TIMES, min_size=1, max_size=6), created=st.data())
def test_without_strangers_nothing_that_was_created_is_called_absent_or_anothers(sent, created):
    """Each doubt has created a task within its window, or none: the verdict never contradicts the truth."""
    doubts = [measured(number, SENT + at, lasts=2_000) for number, at in enumerate(sent, 1)]
    truth = {
        one.attempt_id: created.draw(st.none() | st.integers(one.sent_at, one.last_possible_at))
        for one in doubts
    }
    seen = [candidate(f"p{number}", created_at=at) for number, at in truth.items() if at is not None]
    verdict = weigh(doubts, seen)
    assert all(truth[attempt_id] is None for attempt_id in verdict.absent)
    assert all(name == f"p{attempt_id}" for attempt_id, name in verdict.adopt)
