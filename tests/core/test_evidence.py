"""What a lost reply became is decided from evidence alone: no prediction twice, no absence beside a
candidate."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.evidence import (
    SKEW_MS,
    Candidate,
    Doubt,
    WeighedReports,
    clusters,
    inputs_digest,
    judge,
    related,
    shown_as_sent,
    weigh_reports,
)

MODEL = "kwaivgi/kling-image-o3/edit"
KEYS = ("images", "prompt")


def inputs(prompt):
    return {"prompt": prompt, "images": ["https://in.example/a.png"]}


def doubt(attempt_id=1, prompt="beach", sent_at=1_000_000, *, settled=True, model=MODEL):
    return Doubt(
        attempt_id=attempt_id,
        model=model,
        digest=inputs_digest(inputs(prompt), KEYS),
        keys=KEYS,
        sent_at=sent_at,
        last_possible_at=sent_at + 130_000,
        settled=settled,
    )


def candidate(name="p1", prompt=None, created_at=1_000_500, model=MODEL):
    return Candidate(
        prediction_id=name,
        model=model,
        created_at=created_at,
        inputs=None if prompt is None else inputs(prompt),
    )


def weigh(doubts, candidates, *, trusted=True):
    return judge(doubts, candidates, inputs_trusted=trusted)


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


PROMPTS = st.sampled_from(["beach", "city", "forest"])
TIMES = st.integers(0, 3_000_000)
DOUBTS = st.lists(st.tuples(PROMPTS, TIMES, st.booleans()), max_size=5).map(
    lambda rows: [
        doubt(number, prompt, at, settled=settled) for number, (prompt, at, settled) in enumerate(rows, 1)
    ]
)
CANDIDATES = st.lists(
    st.tuples(st.none() | PROMPTS, st.none() | TIMES, st.sampled_from([MODEL, MODEL, None, "other/model"])),
    max_size=5,
).map(
    lambda rows: [
        candidate(name=f"p{number}", prompt=prompt, created_at=at, model=model)
        for number, (prompt, at, model) in enumerate(rows)
    ]
)


@given(doubts=DOUBTS, candidates=CANDIDATES, trusted=st.booleans())
def test_every_doubt_gets_one_verdict_and_no_prediction_is_adopted_twice(doubts, candidates, trusted):
    verdict = weigh(doubts, candidates, trusted=trusted)
    judged = [
        *(attempt_id for attempt_id, _ in verdict.adopt),
        *verdict.absent,
        *(attempt_id for attempt_id, _ in verdict.ambiguous),
        *verdict.undecided,
    ]
    assert sorted(judged) == sorted(each.attempt_id for each in doubts)
    adopted = [name for _, name in verdict.adopt]
    assert len(adopted) == len(set(adopted))


@given(doubts=DOUBTS, candidates=CANDIDATES, trusted=st.booleans())
def test_absence_is_settled_and_never_beside_a_related_prediction_that_nothing_rules_out(
    doubts, candidates, trusted
):
    verdict = weigh(doubts, candidates, trusted=trusted)
    taken = {name for _, name in verdict.adopt}
    for each in doubts:
        if each.attempt_id in verdict.absent:
            assert each.settled
            assert not [
                other.prediction_id
                for other in candidates
                if related(each, other)
                and other.prediction_id not in taken
                and (other.inputs is None or not trusted or inputs_digest(other.inputs, KEYS) == each.digest)
            ]


@given(doubts=DOUBTS, candidates=CANDIDATES, trusted=st.booleans())
def test_what_is_adopted_is_related_and_equal_or_the_only_one(doubts, candidates, trusted):
    verdict = weigh(doubts, candidates, trusted=trusted)
    by_id = {each.attempt_id: each for each in doubts}
    named = {each.prediction_id: each for each in candidates}
    for attempt_id, name in verdict.adopt:
        mine, found = by_id[attempt_id], named[name]
        assert related(mine, found)
        equal = found.inputs is not None and inputs_digest(found.inputs, KEYS) == mine.digest
        assert equal or mine.settled


@given(doubts=DOUBTS, candidates=CANDIDATES, trusted=st.booleans(), seed=st.integers(0, 999))
def test_the_verdict_does_not_depend_on_the_order_in_which_the_evidence_came(
    doubts, candidates, trusted, seed
):
    dice = random.Random(seed)
    verdict = weigh(doubts, candidates, trusted=trusted)
    again = weigh(dice.sample(doubts, len(doubts)), dice.sample(candidates, len(candidates)), trusted=trusted)
    assert set(again.adopt) == set(verdict.adopt)
    assert set(again.absent) == set(verdict.absent)
    assert set(again.undecided) == set(verdict.undecided)
    assert {(a, frozenset(n)) for a, n in again.ambiguous} == {
        (a, frozenset(n)) for a, n in verdict.ambiguous
    }


@given(doubts=DOUBTS)
def test_every_doubt_is_in_one_cluster_and_windows_of_clusters_do_not_touch(doubts):
    groups = clusters(doubts)
    assert sorted(d.attempt_id for group in groups for d in group) == sorted(d.attempt_id for d in doubts)
    for earlier, later in zip(groups, groups[1:], strict=False):
        assert max(d.last_possible_at for d in earlier) + SKEW_MS < min(d.sent_at for d in later) - SKEW_MS


# --- webhooks ---


def test_what_was_reported_for_one_doubt_alone_is_adopted():
    assert weigh_reports([(1, "p1"), (2, "p2")]).adopt == ((1, "p1"), (2, "p2"))


def test_two_reports_for_one_doubt_or_one_for_two_contradict_each_other():
    assert weigh_reports([(1, "p1"), (1, "p2"), (2, "p3")]) == WeighedReports(
        ((2, "p3"),), ((1, ("p1", "p2")),)
    )
    assert weigh_reports([(1, "p1"), (2, "p1")]) == WeighedReports((), ((1, ("p1",)), (2, ("p1",))))


@given(reports=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["p1", "p2", "p3", "p4"])), max_size=8))
def test_every_reported_doubt_gets_one_verdict_and_no_reported_prediction_is_adopted_twice(reports):
    heard = weigh_reports(reports)
    judged = [*(doubt for doubt, _ in heard.adopt), *(doubt for doubt, _ in heard.contradicted)]
    assert sorted(judged) == sorted({doubt for doubt, _ in reports})
    adopted = [name for _, name in heard.adopt]
    assert len(adopted) == len(set(adopted))
    assert set(heard.adopt) <= set(reports)
    assert heard == weigh_reports([*reports, *reports])
