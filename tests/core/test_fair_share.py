"""Whose turn it is, whatever the weights and whatever came before."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.fair_share import STRIDE, WEIGHT_MAX, FairShare, stride_of

WEIGHTS = st.integers(1, WEIGHT_MAX)
CAMPAIGNS = st.dictionaries(
    st.integers(1, 50), st.tuples(st.integers(0, 10**12), WEIGHTS), min_size=1, max_size=6
)


def claim(state, count):
    """One claim of so many turns; `state` moves on as the store's rows do."""
    turns = FairShare(state)
    taken = []
    for _ in range(count):
        taken.append(turns.turn())
        turns.took()
    for id_, at in turns.moved.items():
        state[id_] = (at, state[id_][1])
    return taken


@given(CAMPAIGNS, st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_turns_follow_the_weights_within_one_round_whatever_the_sizes_of_the_claims(state, sizes):
    state = dict(state)
    weights = {id_: weight for id_, (_, weight) in state.items()}
    widest = max(stride_of(weight) for weight in weights.values())
    taken = Counter(id_ for size in sizes for id_ in claim(state, size))
    far = {id_: taken[id_] * stride_of(weight) for id_, weight in weights.items()}
    assert max(far.values()) - min(far.values()) <= 2 * widest


@given(CAMPAIGNS, WEIGHTS)
def test_a_newcomer_has_its_turn_within_one_round_and_nobody_starves_for_it(state, weight):
    state = {**state, 99: (0, weight)}
    taken = []
    others = set(state) - {99}
    for _ in range(3 * sum(each for _, each in state.values()) + 3):
        taken.extend(claim(state, 1))
        if 99 in taken and others <= set(taken):
            break
    assert 99 in taken
    assert others <= set(taken)
    first = taken.index(99)
    assert first <= sum(-(-each // weight) for each in (state[id_][1] for id_ in others)) + len(others)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_equal_weights_alternate(a, b):
    state = {1: (a, 1), 2: (b, 1)}
    claim(state, 3)
    taken = claim(state, 10)
    assert set(zip(taken, taken[1:], strict=False)) == {(1, 2), (2, 1)}


@given(CAMPAIGNS)
def test_one_that_passes_is_not_asked_again(state):
    turns = FairShare(state)
    asked = []
    while (id_ := turns.turn()) is not None:
        asked.append(id_)
        turns.passed()
    assert sorted(asked) == sorted(state)
    assert turns.moved == {}


@pytest.mark.parametrize(("weight", "share"), [(1, 1), (3, 3), (10, 10)])
def test_three_times_the_weight_is_three_times_the_turns(weight, share):
    state = {1: (0, weight), 2: (5 * STRIDE, 1)}
    claim(state, 10 * weight)
    taken = Counter(claim(state, 100 * (weight + 1)))
    assert abs(taken[1] - share * taken[2]) <= weight
