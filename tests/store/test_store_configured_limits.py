"""The account's limits: the first word counts, a stricter one counts, and only a person raises them."""

import pytest
from sqlalchemy import select
from support.signed import SIGNED

from orchestrator.core.precedence import Weight
from orchestrator.store.account import configured_limits
from orchestrator.store.account.configured_limits import ConfiguredLimits, FleetLimit, LimitName
from orchestrator.store.account.rate_limits import allowance
from orchestrator.store.db.schema import LimitSource, acts
from orchestrator.store.db.schema import limits as limit_table

BOTH = frozenset({"concurrency", "submits_per_minute"})


@pytest.fixture
def arrive(world):
    """A configuration comes, with a worker or a command; what it names otherwise than it stands."""

    def come(concurrency, submits, defaulted=frozenset(), raised=()):
        numbers = {LimitName.CONCURRENCY: concurrency, LimitName.SUBMITS: submits}
        with world.database.write() as tx:
            found = configured_limits.take_configured(
                tx, ConfiguredLimits(numbers, defaulted), SIGNED, raised=raised
            )
        return {item.name: item.weight for item in found}

    with world.database.write() as tx:
        tx.conn.execute(limit_table.delete())
    return come


@pytest.fixture
def decide(world):
    """`limits set concurrency`, by who knew of a file's word."""

    def set_one(number, overruled=None):
        with world.database.write() as tx:
            limit = FleetLimit(number, LimitSource.OPERATOR, overruled)
            return configured_limits.decide(tx, {LimitName.CONCURRENCY: limit}, SIGNED)

    return set_one


@pytest.fixture
def stored(world):
    return lambda: [(row.concurrency, row.submits_per_minute) for row in world.rows(limit_table)]


def recorded(world):
    with world.database.read() as tx:
        return [tuple(row) for row in tx.conn.execute(select(acts.c.subject, acts.c.old, acts.c.new))]


def test_the_first_word_counts(arrive, stored):
    assert arrive(4, 20) == {}
    assert stored() == [(4, 20)]


def test_a_default_counts_where_nothing_is_stored_and_the_first_word_replaces_it_in_either_direction(
    arrive, stored
):
    arrive(10, 10, BOTH)
    assert stored() == [(10, 10)]
    assert arrive(300, 2) == dict.fromkeys(LimitName, Weight.FIRST)
    assert stored() == [(300, 2)]


def test_a_default_neither_lowers_nor_raises_what_is_stored(arrive, stored):
    arrive(4, 20)
    assert arrive(2, 2, BOTH) == {}
    assert arrive(3000, 3000, BOTH) == {}
    assert stored() == [(4, 20)]


def test_each_stricter_number_counts_and_each_looser_does_not(arrive, stored):
    arrive(4, 20)
    assert arrive(20, 10) == {LimitName.CONCURRENCY: Weight.LOOSER, LimitName.SUBMITS: Weight.STRICTER}
    assert stored() == [(4, 10)]


def test_a_looser_number_counts_where_a_person_agreed_to_it(arrive, stored):
    arrive(4, 20)
    arrive(20, 30, raised={LimitName.CONCURRENCY})
    assert stored() == [(20, 20)]


def test_a_number_that_is_not_named_gives_way_alone(arrive, stored):
    arrive(4, 20)
    arrive(3, 2, frozenset({"submits_per_minute"}))
    assert stored() == [(3, 20)]


def test_what_a_person_set_stands_over_the_words_that_he_knew_of(arrive, stored, decide):
    arrive(4, 20)
    decide(50, overruled=4)
    assert arrive(4, 20) == {LimitName.CONCURRENCY: Weight.OVERRULED}
    assert stored() == [(50, 20)]
    assert arrive(3, 20) == {LimitName.CONCURRENCY: Weight.STRICTER}
    assert stored() == [(3, 20)]


def test_a_raised_limit_is_there_for_the_next_claim(arrive, decide, world):
    arrive(4, 20)
    decide(50)
    with world.database.write() as tx:
        assert allowance(tx).slots == 50


def test_every_change_of_a_limit_is_an_act(arrive, decide, world):
    arrive(4, 20, frozenset({"submits_per_minute"}))
    arrive(9, 20, frozenset({"submits_per_minute"}))
    arrive(3, 20, frozenset({"submits_per_minute"}))
    assert decide(50) == [LimitName.CONCURRENCY]
    assert decide(50) == []
    assert recorded(world) == [
        ("limit concurrency", None, "4"),
        ("limit concurrency", "4", "3"),
        ("limit concurrency", "3", "50"),
    ]
