"""Which word on a cap or a limit counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.precedence import StandingWord, Weight, strictest, weigh

NUMBERS = st.integers(0, 100)


def test_the_first_word_counts_and_a_default_is_nobodys():
    assert weigh(5, None) is Weight.FIRST
    assert weigh(5, StandingWord(2, by_default=True)) is Weight.FIRST
    assert weigh(5, StandingWord(9, by_default=True)) is Weight.FIRST


@pytest.mark.parametrize(("wanted", "weight"), [(4, Weight.STRICTER), (5, Weight.SAME), (6, Weight.LOOSER)])
def test_beside_a_files_word_a_stricter_one_counts_and_a_looser_one_is_a_decision(wanted, weight):
    assert weigh(wanted, StandingWord(5)) is weight


@pytest.mark.parametrize(
    ("wanted", "weight"),
    [
        (40, Weight.STRICTER),  # said after the decision, as nobody had been as strict before
        (50, Weight.OVERRULED),
        (60, Weight.OVERRULED),
        (80, Weight.SAME),
        (90, Weight.LOOSER),
    ],
)
def test_what_a_person_raised_stands_over_the_words_that_he_knew_of(wanted, weight):
    assert weigh(wanted, StandingWord(80, by_operator=True, overruled=50)) is weight


@pytest.mark.parametrize(
    ("wanted", "weight"),
    [(30, Weight.STRICTER), (50, Weight.OVERRULED), (45, Weight.LOOSER), (60, Weight.LOOSER)],
)
def test_what_a_person_lowered_is_not_asked_for_again_by_the_word_that_he_knew_of(wanted, weight):
    assert weigh(wanted, StandingWord(40, by_operator=True, overruled=50)) is weight


def test_a_person_who_knew_of_no_file_gives_way_to_a_stricter_one():
    assert weigh(4, StandingWord(5, by_operator=True)) is Weight.STRICTER


@given(NUMBERS, NUMBERS, NUMBERS | st.none(), st.booleans())
def test_no_word_that_counts_by_itself_raises_what_somebody_has_said(wanted, value, overruled, by_operator):
    standing = StandingWord(value, by_operator=by_operator, overruled=overruled)
    if weigh(wanted, standing) in {Weight.FIRST, Weight.STRICTER}:
        assert wanted < value


@given(st.lists(NUMBERS, min_size=1))
def test_of_words_that_come_by_themselves_the_strictest_stands_whatever_their_order(words):
    standing = None
    for word in words:
        if weigh(word, standing) in {Weight.FIRST, Weight.STRICTER}:
            standing = StandingWord(word)
    assert standing == StandingWord(min(words))


def test_the_strictest_of_what_was_said():
    assert strictest(None, 5, 3, None) == 3
    assert strictest(None) is None
