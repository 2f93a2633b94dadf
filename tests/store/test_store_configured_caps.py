"""Which cap stands when configurations and an operator name the same one."""

import pytest

from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.db.schema import budgets as budget_table
from orchestrator.store.money import budgets

DAY = (Scope.ACCOUNT, "", Window.DAY)
SALE = (Scope.CAMPAIGN, "sale", Window.TOTAL)


def stored_caps(world):
    return {(row.scope, row.window): (row.cap_micros, row.source) for row in world.rows(budget_table)}


def test_the_first_cap_of_a_configuration_counts_and_one_that_another_does_not_name_stays(world):
    assert budgets.take_configured(world.database, {DAY: 5, SALE: 7}) == []
    assert budgets.take_configured(world.database, {}) == []
    assert stored_caps(world) == {("account", "day"): (5, "config"), ("campaign", "total"): (7, "config")}


def test_of_several_configurations_the_strictest_cap_stands_and_the_others_are_answered(world):
    budgets.take_configured(world.database, {DAY: 5})
    assert budgets.take_configured(world.database, {DAY: 6}) == [
        budgets.Overruled(key=DAY, wanted_micros=6, cap_micros=5, source="config")
    ]
    assert budgets.take_configured(world.database, {DAY: 4}) == []
    assert stored_caps(world) == {("account", "day"): (4, "config")}


def test_of_two_configurations_that_come_together_the_stricter_cap_stands(world, monkeypatch):
    """Each has looked before the other wrote."""
    budgets.take_configured(world.database, {DAY: 5})
    with monkeypatch.context() as stale:
        stale.setattr(budgets, "_counts", lambda cap, standing: True)
        budgets.take_configured(world.database, {DAY: 9})
        world.cap(3, window=Window.MONTH)
        budgets.take_configured(world.database, {(Scope.ACCOUNT, "", Window.MONTH): 1})
    assert stored_caps(world) == {("account", "day"): (5, "config"), ("account", "month"): (3, "operator")}


@pytest.mark.parametrize("cap", [5, 500])
def test_an_operators_cap_stands_over_the_configurations(world, cap):
    world.cap(100, window=Window.DAY)
    assert budgets.take_configured(world.database, {DAY: cap}) == [
        budgets.Overruled(key=DAY, wanted_micros=cap, cap_micros=100, source="operator")
    ]
    assert budgets.take_configured(world.database, {}) == []
    assert stored_caps(world) == {("account", "day"): (100, "operator")}


def test_caps_that_change_nothing_write_nothing(world, monkeypatch):
    budgets.take_configured(world.database, {DAY: 5, SALE: 7})
    monkeypatch.delattr(type(world.database), "write")
    budgets.take_configured(world.database, {DAY: 5, SALE: 8})
