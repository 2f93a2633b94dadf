"""After a loss nothing is sent that could be taken for it; a healthy account is held up for seconds."""

import pytest

from orchestrator.core.caution import CAREFUL_MS, HOLD_MS_MAX, Care, Loss, held_until, may_be_under_way

CARE = Care(settle_ms=2_000, width_ms=300, explained=frozenset())


def loss(at=10_000, *, answered=False, is_open=True):
    return Loss(1, at, answered_at=at if answered else None, is_open=is_open)


def test_nothing_is_sent_while_the_lost_request_may_still_create_something():
    assert held_until([loss()], CARE) == 12_300
    assert may_be_under_way([loss()], 0, care=CARE, now=12_299) == 0
    assert may_be_under_way([loss()], 0, care=CARE, now=12_300) == 1


@pytest.mark.parametrize("settle_ms", [10_000, 120_000])
def test_no_loss_holds_an_account_up_for_longer_than_seconds(settle_ms):
    care = Care(settle_ms=settle_ms, width_ms=360_000, explained=frozenset())
    assert held_until([loss()], care) <= 10_000 + HOLD_MS_MAX + 1_500


def test_an_answer_or_a_task_that_is_seen_ends_the_wait():
    assert held_until([loss(answered=True)], CARE) == 10_300
    assert held_until([loss()], Care(2_000, 300, frozenset({1}))) == 10_300


def test_each_request_that_is_accepted_since_lets_one_more_leave():
    assert [may_be_under_way([loss()], accepted, care=CARE, now=13_000) for accepted in (0, 1, 7)] == [
        1,
        2,
        8,
    ]


def test_a_loss_whose_end_is_known_holds_nothing_up_but_is_minded():
    assert may_be_under_way([loss(is_open=False)], 0, care=CARE, now=10_001) == 1


def test_a_loss_of_long_ago_is_minded_no_more():
    assert may_be_under_way([loss()], 0, care=CARE, now=10_000 + CAREFUL_MS) is None
    assert may_be_under_way([], 0, care=CARE, now=0) is None
