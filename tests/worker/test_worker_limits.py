"""What a worker does to the account's limits when it starts: no more than any other bringer of words."""

import pytest

from orchestrator.store.db.schema import limits as limit_table


@pytest.fixture
def stored(world):
    return lambda: [(row.concurrency, row.submits_per_minute) for row in world.rows(limit_table)]


def test_a_worker_raises_nothing_even_when_it_is_alone(world, harness, stored):
    world.limit(concurrency=4, submits_per_minute=20)
    harness.change("limits", concurrency=20, submits_per_minute=30)
    harness.drain()
    assert stored() == [(4, 20)]


def test_the_stricter_limits_of_a_worker_count_for_all(world, harness, stored):
    world.limit(concurrency=4, submits_per_minute=20)
    harness.change("limits", concurrency=2, submits_per_minute=30)
    harness.drain()
    assert stored() == [(2, 20)]


def test_a_worker_whose_configuration_names_no_limits_changes_none(world, harness, stored):
    world.limit(concurrency=4, submits_per_minute=20)
    defaulted = frozenset({"concurrency", "submits_per_minute"})
    harness.change("limits", concurrency=2, submits_per_minute=2, defaulted=defaulted)
    harness.drain()
    assert stored() == [(4, 20)]
    assert harness.notices == []
