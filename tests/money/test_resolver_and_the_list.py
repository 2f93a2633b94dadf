"""How the list is read: its window, its pages, the clocks."""

import pytest
from lost_replies import SETTLE, WEEK


def test_the_list_is_not_asked_for_more_than_it_keeps(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    lost_replies.lose(created=False)
    lost_replies.look(after=WEEK - 60)
    assert provider.windows[-1][0] >= sqlite_world.clock.now_ms() - WEEK * 1000


def test_an_old_held_doubt_does_not_stretch_the_window_of_a_fresh_one(lost_replies, sqlite_world, provider):
    sqlite_world.run(2)
    lost_replies.lose(created=False)
    sqlite_world.clock.advance(3 * 86_400)
    lost_replies.lose(created=False)
    provider.windows.clear()
    lost_replies.look()
    assert len(provider.windows) == 2
    assert all(before - after < 3_600_000 for after, before in provider.windows)


def test_tasks_that_appear_between_two_pages_hide_none(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    provider.page_size = 2
    claimed, task = lost_replies.lose(created=True)
    for number in range(3):
        provider.strange(f"{number}", model="other/model")
    provider.between_pages = lambda: provider.strange("in between", model="other/model")
    (adopted,) = lost_replies.look()
    assert (adopted.attempt_id, adopted.prediction_id) == (claimed.attempt_id, task)


@pytest.mark.parametrize("minutes", [-2.9, 2.9])
def test_a_provider_whose_clock_is_off_by_less_than_three_minutes_is_believed(
    lost_replies, sqlite_world, provider, minutes
):
    from dataclasses import replace

    sqlite_world.run(1)
    claimed, task = lost_replies.lose(created=True)
    made = provider.tasks[task]
    made.final = replace(made.final, created_at_ms=made.final.created_at_ms + int(minutes * 60_000))
    (adopted,) = lost_replies.look()
    assert (adopted.attempt_id, adopted.prediction_id) == (claimed.attempt_id, task)


def test_a_clock_that_was_set_back_delays_the_verdict_and_changes_nothing(lost_replies, sqlite_world):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    sqlite_world.clock._start_ms -= 600_000
    lost_replies.look(3, after=SETTLE)
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")
    lost_replies.look(2, after=600)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")
