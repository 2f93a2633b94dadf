"""Which try of a cell has the clean name."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.choice import Try, chosen
from orchestrator.core.paths import is_superseded, name_of_superseded

TRIES = st.builds(
    Try,
    asked_at=st.integers(0, 3),
    job_id=st.integers(1, 5),
    attempt=st.integers(0, 3),
    index=st.integers(0, 2),
    rejected=st.booleans(),
)


def a_try(asked_at: int, job_id: int = 1, **more) -> Try:
    return Try(asked_at=asked_at, job_id=job_id, attempt=1, index=0, **more)


def test_nothing_is_chosen_of_nothing():
    assert chosen([]) is None


def test_the_newest_is_chosen_whatever_the_order_in_which_they_are_read():
    tries = [a_try(1), a_try(2), a_try(2, job_id=2)]
    assert {chosen(order) for order in itertools.permutations(tries)} == {tries[-1]}


def test_an_older_one_that_is_accepted_is_chosen_and_of_several_the_last_accepted():
    first, second, newest = a_try(1, accepted=9), a_try(2, accepted=4), a_try(3)
    assert chosen([first, second, newest]) == first
    assert chosen([second, newest]) == second


def test_a_rejected_one_gives_way_to_the_newest_that_is_not():
    assert chosen([a_try(1), a_try(2), a_try(3, rejected=True)]) == a_try(2)


def test_the_newest_keeps_the_name_where_all_are_rejected():
    assert chosen([a_try(1, rejected=True), a_try(2, rejected=True)]) == a_try(2, rejected=True)


@given(st.lists(TRIES, min_size=1), st.integers(0, 9))
def test_some_try_is_always_chosen_and_more_rejections_of_others_do_not_change_it(tries, which):
    best = chosen(tries)
    assert best in tries
    others = [each for each in tries if each != best]
    if others and not others[which % len(others)].rejected:
        others.pop(which % len(others))
        assert best is not None
        assert chosen([best, *others]) == best


def test_a_superseded_name_lies_beside_and_tells_job_and_attempt():
    name = name_of_superseded("a/b.png", job_id=12, attempt=3)
    assert (name, is_superseded(name), is_superseded("a/b.png")) == ("a/.superseded/b~12-3.png", True, False)
    assert name_of_superseded("b.png", job_id=12, attempt=None) == ".superseded/b~12.png"
