"""What the bill proves about a lost reply, and what it does not."""

import pytest
from lost_replies import SETTLE

from orchestrator.core.evidence import SKEW_MS
from orchestrator.ports import KeyRefused, Lost, Rejected
from orchestrator.store.attempts.lifecycle import AMBIGUOUS


def test_a_bill_that_cannot_be_read_now_proves_nothing(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    provider.bill_answer = Lost("502")
    lost_replies.look(5, after=SETTLE)
    assert lost_replies.state(claimed) == ("in_doubt", "reply_lost")
    provider.bill_answer = None
    lost_replies.look(2)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")


@pytest.mark.parametrize("answer", [KeyRefused("your role may not", 403), Rejected("no", 404)])
def test_a_bill_that_this_key_may_not_read_leaves_the_list_to_decide(
    lost_replies, sqlite_world, provider, answer
):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    provider.bill_answer = answer
    lost_replies.look(2, after=SETTLE)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")


def test_a_task_that_only_the_bill_shows_is_found_once_the_list_has_had_its_time(
    lost_replies, sqlite_world, provider
):
    sqlite_world.run(1)
    provider.lag = 3600.0
    claimed, task = lost_replies.lose(created=True)
    assert lost_replies.look(2, after=SETTLE) == []
    (adopted,) = lost_replies.look(after=SKEW_MS / 1000)
    assert (adopted.attempt_id, adopted.prediction_id) == (claimed.attempt_id, task)


def test_a_task_that_the_bill_shows_first_is_not_taken_before_the_list_says_whose_it_is(
    lost_replies, sqlite_world, provider
):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    sqlite_world.clock.advance(SETTLE - 1)
    provider.lag = 60.0
    provider.strange()
    assert lost_replies.look(2, after=2.0) == []
    assert lost_replies.state(claimed)[0] == "in_doubt"


def test_a_billed_task_of_another_model_is_not_taken_for_ours(lost_replies, sqlite_world, provider):
    sqlite_world.run(1)
    provider.lag = 3600.0
    claimed, _ = lost_replies.lose(created=False)
    provider.strange(model="other/model")
    lost_replies.look(2, after=SETTLE)
    assert lost_replies.state(claimed) == ("abandoned", "absence_proved")


def test_a_billed_task_that_the_provider_has_forgotten_may_still_be_ours(
    lost_replies, sqlite_world, provider
):
    sqlite_world.run(2)
    provider.lag = 3600.0
    first, task = lost_replies.lose(created=True)
    second, _ = lost_replies.lose(created=False)
    provider._found = lambda prediction_id: None
    lost_replies.look(3, after=SETTLE)
    for claimed in (first, second):
        assert lost_replies.state(claimed) == ("in_doubt", AMBIGUOUS)
        assert lost_replies.possible(claimed) == {task}
