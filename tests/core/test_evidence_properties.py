"""For all evidence: one verdict for each doubt, no prediction twice, no absence beside a candidate."""

import random

from hypothesis import given
from hypothesis import strategies as st
from weighing import KEYS, MODEL, candidate, doubt, weigh

from orchestrator.core.evidence import SKEW_MS, clusters, inputs_digest, related

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
