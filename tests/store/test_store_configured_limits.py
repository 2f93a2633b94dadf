"""The account's limits: the first word counts, a stricter one counts, and only who is alone raises them."""

import pytest
from support.world import LEASE_MS

from orchestrator.store.account import configured_limits, workers
from orchestrator.store.account.configured_limits import ConfiguredLimits, LimitPair
from orchestrator.store.db.schema import limits as limit_table

BOTH = frozenset({"concurrency", "submits_per_minute"})


@pytest.fixture
def arrive(world):
    """A worker registers and has its limits adopted, as it does when it starts."""

    def start(name, concurrency, submits, defaulted=frozenset()):
        with world.database.write() as tx:
            workers.register(
                tx, workers.WorkerRow(id=name, host="h1", pid=7, version="1.2.3", lease_ms=LEASE_MS)
            )
            return configured_limits.take_configured(
                tx, name, ConfiguredLimits(LimitPair(concurrency, submits), defaulted)
            )

    with world.database.write() as tx:
        tx.conn.execute(limit_table.delete())
    return start


@pytest.fixture
def stored(world):
    return lambda: [tuple(row)[1:] for row in world.rows(limit_table)]


def test_the_first_word_counts(arrive, stored):
    assert arrive("w1", 4, 20).words is None
    assert stored() == [(4, 20)]


def test_a_default_counts_where_nothing_is_stored(arrive, stored):
    arrive("w1", 2, 2, BOTH)
    assert stored() == [(2, 2)]


@pytest.mark.parametrize("company", [True, False])
def test_a_default_neither_lowers_nor_raises_what_is_stored(arrive, stored, world, company):
    arrive("w1", 4, 20)
    if not company:
        world.clock.advance_ms(LEASE_MS + 1)
    assert arrive("w2", 2, 2, BOTH).words is None
    assert arrive("w3", 3000, 3000, BOTH).words is None
    assert stored() == [(4, 20)]


def test_beside_another_worker_each_stricter_number_counts_and_each_looser_does_not(arrive, stored):
    arrive("w1", 4, 20)
    adopted = arrive("w2", 20, 10)
    assert stored() == [(4, 10)]
    assert "stricter now, as this configuration says: 4 tasks at once and 10 submits" in adopted.words
    assert "It asks for 20 tasks at once and 10 submits a minute" in adopted.words
    assert "stop them all" in adopted.words


def test_a_number_that_is_not_named_gives_way_alone(arrive, stored):
    arrive("w1", 4, 20)
    arrive("w2", 3, 2, frozenset({"submits_per_minute"}))
    assert stored() == [(3, 20)]


def test_a_lone_worker_raises_its_own_limits(arrive, stored, world):
    arrive("w1", 2, 2)
    with world.database.write() as tx:
        workers.stopped(tx, "w1")
    assert arrive("w2", 3000, 3000).words is None
    assert stored() == [(3000, 3000)]


@pytest.mark.parametrize("fate", ["stopped", "lost", "drain", "silent"])
def test_a_worker_that_submits_no_more_is_no_company(arrive, stored, world, fate):
    arrive("w1", 4, 20)
    if fate == "silent":
        world.clock.advance_ms(LEASE_MS + 1)
    else:
        with world.database.write() as tx:
            getattr(workers, fate)(tx, "w1")
    arrive("w2", 20, 30)
    assert stored() == [(20, 30)]


def test_the_same_limits_are_no_news(arrive, stored):
    arrive("w1", 4, 20)
    assert arrive("w2", 4, 20).words is None
    assert stored() == [(4, 20)]
