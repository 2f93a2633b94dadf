"""Which cap stands when configurations, manifests and an operator name the same one."""

import pytest
from sqlalchemy import select
from support.signed import SIGNED

from orchestrator.core.precedence import Weight
from orchestrator.store.db.schema import Scope, Window, acts
from orchestrator.store.db.schema import budgets as budget_table
from orchestrator.store.money import budgets
from orchestrator.store.money.cap_changes import OPERATOR, StandingCap
from orchestrator.store.money.decided_caps import decide_cap

DAY = (Scope.ACCOUNT, "", Window.DAY)
SALE = (Scope.CAMPAIGN, "sale", Window.TOTAL)


@pytest.fixture
def take(world):
    """A configuration comes; what it names otherwise than it stands."""

    def comes(wanted, raised=()):
        found = budgets.take_configured(world.database, wanted, SIGNED, raised=raised)
        return {item.key: item.weight for item in found}

    return comes


@pytest.fixture
def decide(world):
    """`budget set account --day`, by who knew of a file's word."""

    def set_day(micros, overruled=None):
        with world.database.write() as tx:
            new = None if micros is None else StandingCap(micros, OPERATOR, overruled)
            decide_cap(tx, SIGNED, scope=Scope.ACCOUNT, scope_id=0, window=Window.DAY, new=new)

    return set_day


def stored_caps(world):
    return {(row.scope, row.window): (row.cap_micros, row.source) for row in world.rows(budget_table)}


def recorded(world):
    with world.database.read() as tx:
        return [tuple(row) for row in tx.conn.execute(select(acts.c.subject, acts.c.old, acts.c.new))]


def test_the_first_cap_of_a_configuration_counts_and_one_that_another_does_not_name_stays(world, take):
    assert set(take({DAY: 5, SALE: 7}).values()) == {Weight.FIRST}
    assert take({}) == {}
    assert stored_caps(world) == {("account", "day"): (5, "config"), ("campaign", "total"): (7, "config")}


def test_of_several_configurations_the_strictest_cap_stands_and_the_others_are_answered(world, take):
    take({DAY: 5})
    assert take({DAY: 6}) == {DAY: Weight.LOOSER}
    assert take({DAY: 4}) == {DAY: Weight.STRICTER}
    assert take({DAY: 4}) == {}
    assert stored_caps(world) == {("account", "day"): (4, "config")}


def test_a_looser_word_counts_where_a_person_agreed_to_it_and_to_that_one_alone(world, take):
    take({DAY: 5, SALE: 7})
    take({DAY: 6, SALE: 9}, raised={DAY})
    assert stored_caps(world) == {("account", "day"): (6, "config"), ("campaign", "total"): (7, "config")}


def test_of_two_configurations_that_come_together_the_stricter_cap_stands(world, take, monkeypatch):
    """The second has looked before the first wrote."""
    genuine, seen = budgets.compare, []

    def compare(tx, wanted):
        if not seen:
            seen.append("the second looks, then the first comes")
            found = genuine(tx, wanted)
            take({DAY: 5})
            return found
        return genuine(tx, wanted)

    monkeypatch.setattr(budgets, "compare", compare)
    assert take({DAY: 9}) == {DAY: Weight.LOOSER}
    assert stored_caps(world) == {("account", "day"): (5, "config")}


def test_an_operators_cap_stands_over_the_words_that_he_knew_of(world, take, decide):
    take({DAY: 50})
    decide(80, overruled=50)
    assert take({DAY: 50}) == {DAY: Weight.OVERRULED}
    assert take({DAY: 500}) == {DAY: Weight.LOOSER}
    assert take({}) == {}
    assert stored_caps(world) == {("account", "day"): (80, "operator")}


def test_a_stricter_word_that_comes_after_an_operators_counts(world, take, decide):
    decide(80, overruled=50)
    assert take({DAY: 40}) == {DAY: Weight.STRICTER}
    assert stored_caps(world) == {("account", "day"): (40, "config")}


def test_what_is_agreed_makes_caps_what_the_files_say_whoever_set_them(world, take, decide):
    take({DAY: 5, SALE: 7})
    decide(80, overruled=5)
    with world.database.write() as tx:
        budgets.agree(tx, {DAY: 60, SALE: 9}, SIGNED)
    assert stored_caps(world) == {("account", "day"): (60, "config"), ("campaign", "total"): (9, "config")}


def test_every_change_of_a_cap_is_an_act_and_no_act_is_without_a_change(world, take):
    take({DAY: 5_000_000})
    take({DAY: 9_000_000})
    take({DAY: 4_000_000})
    take({DAY: 4_000_000})
    assert recorded(world) == [
        ("day cap of the account", None, "$5.00"),
        ("day cap of the account", "$5.00", "$4.00"),
    ]


def test_caps_that_change_nothing_write_nothing(world, take, monkeypatch):
    take({DAY: 5, SALE: 7})
    monkeypatch.delattr(type(world.database), "write")
    take({DAY: 5, SALE: 8})
