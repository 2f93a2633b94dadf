"""What a cap lets through where money is kept for whole chains, whatever they cost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.actions.planning.figures.affordable import Limit, Wish, allot

CHAIN = st.tuples(st.integers(1, 4), st.booleans(), st.lists(st.integers(1, 30), min_size=1, max_size=4))
"""The turn of a chain, whether its first job is paid already, and the price of each of its jobs."""


def wished(chains):
    """A wish of these chains, each after the other, and the units in which they are bought."""
    rounds, micros, hops, firsts, units = [], [], [], [], []
    for turn, begun, prices in chains:
        at = len(rounds)
        places = list(range(at, at + len(prices)))
        units += [[place] for place in places] if begun else [places]
        for place, price in zip(places, prices, strict=True):
            rounds.append(turn)
            micros.append(price)
            hops.append(1 if begun or place > at else 0)
            firsts.append(place if begun else at)
    return Wish(rounds, micros, hops=hops, chains=firsts), units


@given(st.lists(CHAIN, max_size=8), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_a_chain_is_bought_whole_or_not_at_all_and_nothing_that_fits_is_left(chains, money):
    wish, units = wished(chains)
    (got,) = allot([wish], [Limit(money, {0})])
    spent = sum(price for price, one in zip(wish.micros, got, strict=True) if one)
    assert spent <= money
    for places in units:
        bought = {got[place] for place in places}
        assert len(bought) == 1
        if bought == {0}:
            assert sum(wish.micros[place] for place in places) > money - spent


@given(st.lists(CHAIN, max_size=8), st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_what_was_begun_comes_before_what_was_not(chains, money):
    """As if the begun chains were alone."""
    wish, _units = wished(chains)
    (got,) = allot([wish], [Limit(money, {0})])
    alone, _ = wished([chain for chain in chains if chain[1]])
    (of_begun,) = allot([alone], [Limit(money, {0})])
    begun = [one for one, hop, first, at in zip(got, wish.hops, wish.chains, range(len(got)), strict=True)
             if hop and first == at]  # fmt: skip
    assert begun == list(of_begun)
