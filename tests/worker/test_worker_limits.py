"""What a worker does to the account's limits when it starts."""

import pytest
from support.world import LEASE_MS

from orchestrator.store.account import workers
from orchestrator.store.db.schema import limits as limit_table


@pytest.fixture
def stored(world):
    return lambda: [tuple(row)[1:] for row in world.rows(limit_table)]


def company(world):
    with world.database.write() as tx:
        workers.register(
            tx, workers.WorkerRow(id="w0", host="elsewhere", pid=7, version="1.2.3", lease_ms=LEASE_MS)
        )


def test_a_worker_that_starts_beside_another_raises_nothing_and_says_so(world, harness, stored):
    world.limit(concurrency=4, submits_per_minute=20)
    company(world)
    harness.change("limits", concurrency=20, submits_per_minute=20)
    harness.drain()
    assert stored() == [(4, 20)]
    (told,) = harness.notices
    assert "4 tasks at once and 20 submits a minute" in told
    assert "only a worker that starts alone raises limits" in told


def test_a_worker_that_starts_alone_takes_the_limits_of_its_own_edited_configuration(world, harness, stored):
    harness.change("limits", concurrency=2, submits_per_minute=2)
    harness.drain()
    assert stored() == [(2, 2)]
    harness.change("limits", concurrency=3000, submits_per_minute=3000)
    harness.drain()
    assert stored() == [(3000, 3000)]
    assert harness.notices == []


def test_a_worker_whose_configuration_names_no_limits_changes_none(world, harness, stored):
    world.limit(concurrency=4, submits_per_minute=20)
    company(world)
    defaulted = frozenset({"concurrency", "submits_per_minute"})
    harness.change("limits", concurrency=2, submits_per_minute=2, defaulted=defaulted)
    harness.drain()
    assert stored() == [(4, 20)]
    assert harness.notices == []
