"""What a lost reply became is decided from evidence alone: no prediction twice, no absence beside a
candidate."""

from dataclasses import replace

import pytest
from weighing import KEYS, MODEL, candidate, doubt, inputs, weigh

from orchestrator.core.evidence import (
    SKEW_MS,
    Candidate,
    clusters,
    inputs_digest,
    judge,
    related,
    shown_as_sent,
)


def test_equal_inputs_are_adopted_at_once():
    verdict = weigh([doubt(settled=False)], [candidate(prompt="beach"), candidate("p2")])
    assert verdict.adopt == ((1, "p1"),)


def test_the_only_candidate_is_adopted_after_the_settle_delay_and_not_before():
    assert weigh([doubt(settled=False)], [candidate()]).undecided == (1,)
    assert weigh([doubt()], [candidate()]).adopt == ((1, "p1"),)


def test_the_only_candidate_is_not_adopted_while_only_the_bill_knows_it():
    billed = Candidate(prediction_id="p1", model=None, created_at=1_000_500, inputs=None, listed=False)
    assert judge([doubt(1)], [billed], inputs_trusted=False).ambiguous == ((1, ("p1",)),)


def test_nothing_seen_is_absence_after_the_settle_delay_and_not_before():
    assert weigh([doubt(settled=False)], []).undecided == (1,)
    assert weigh([doubt()], []).absent == (1,)


def test_two_possible_predictions_are_left_to_a_person():
    assert weigh([doubt()], [candidate(), candidate("p2")]).ambiguous == ((1, ("p1", "p2")),)


def test_two_doubts_and_one_silent_prediction_are_left_to_a_person():
    verdict = weigh([doubt(), doubt(2, "city")], [candidate()])
    assert {attempt_id for attempt_id, _ in verdict.ambiguous} == {1, 2}


def test_one_settled_doubt_waits_for_the_other_of_its_group():
    verdict = weigh([doubt(), doubt(2, "city", settled=False)], [candidate()])
    assert verdict.undecided == (1, 2)


@pytest.mark.parametrize("prompts", [["beach"], ["beach", "beach"]])
def test_look_alikes_share_what_was_created_and_the_rest_created_nothing(prompts):
    doubts = [doubt(number) for number in (1, 2)]
    candidates = [candidate(f"p{number}", prompt) for number, prompt in enumerate(prompts)]
    verdict = weigh(doubts, candidates)
    assert len(verdict.adopt) == len(prompts)
    assert len(verdict.absent) == 2 - len(prompts)


@pytest.mark.parametrize(
    ("shown", "shapes", "answer"),
    [
        (inputs("beach"), [KEYS], True),
        ({**inputs("beach"), "seed": 7}, [("prompt",), KEYS], True),
        (inputs("rewritten"), [KEYS], False),
        (inputs("beach"), [("prompt",)], False),
        (inputs("beach"), [], False),
        (None, [KEYS], False),
    ],
    ids=["as sent", "beside more", "rewritten", "other parameters", "nothing was sent", "not shown"],
)
def test_the_list_is_trusted_when_it_shows_a_task_of_ours_as_it_was_sent(shown, shapes, answer):
    sent = inputs_digest(inputs("beach"), KEYS)
    assert shown_as_sent([(inputs("forest"), sent), (shown, sent)], shapes) is answer


def test_other_inputs_rule_a_prediction_out_only_where_inputs_are_known_to_be_shown_as_sent():
    assert weigh([doubt()], [candidate(prompt="forest")]).absent == (1,)
    assert weigh([doubt()], [candidate(prompt="forest")], trusted=False).absent == ()


def test_parameters_that_the_provider_adds_do_not_matter_and_those_it_drops_do():
    more = Candidate(
        prediction_id="p1", model=MODEL, created_at=1_000_500, inputs={**inputs("beach"), "seed": -1}
    )
    less = Candidate(prediction_id="p1", model=MODEL, created_at=1_000_500, inputs={"prompt": "beach"})
    assert weigh([doubt()], [more]).adopt == ((1, "p1"),)
    assert weigh([doubt()], [less]).adopt == ()


@pytest.mark.parametrize(
    ("changes", "is_related"),
    [
        ({}, True),
        ({"model": "other/model"}, False),
        ({"model": None}, True),
        ({"created_at": None}, True),
        ({"created_at": 1_000_000 - SKEW_MS}, True),
        ({"created_at": 1_000_000 - SKEW_MS - 1}, False),
        ({"created_at": 1_130_000 + SKEW_MS}, True),
        ({"created_at": 1_130_000 + SKEW_MS + 1}, False),
    ],
)
def test_only_a_prediction_of_the_model_made_while_the_request_was_under_way_counts(changes, is_related):
    assert related(doubt(), replace(candidate(), **changes)) is is_related


def test_a_prediction_without_a_time_does_not_take_the_only_doubt_that_another_fits():
    doubts = [doubt(1), doubt(2, sent_at=9_000_000)]
    verdict = weigh(doubts, [candidate("timeless", "beach", None), candidate("p1", "beach")])
    assert set(verdict.adopt) == {(1, "p1"), (2, "timeless")}


def test_the_digest_does_not_depend_on_the_order_of_keys():
    shuffled = dict(reversed(inputs("beach").items()))
    assert inputs_digest(shuffled, reversed(KEYS)) == inputs_digest(inputs("beach"), KEYS)


def test_doubts_far_apart_are_read_apart_and_touching_ones_together():
    far = doubt(3, sent_at=100_000_000)
    assert [
        [d.attempt_id for d in group] for group in clusters([far, doubt(2, sent_at=1_200_000), doubt(1)])
    ] == [
        [1, 2],
        [3],
    ]
