"""The registry of workers: by the database's clock, and corrected by whoever lives."""

import pytest
from support.world import LEASE_MS

from orchestrator.core.errors import NotFoundError
from orchestrator.core.states import AttemptState
from orchestrator.store.account import workers
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import workers as worker_table
from orchestrator.store.views import registry

DAY_MS = 86_400_000


@pytest.fixture
def do(world):
    """Calls a function of the registry in a transaction of its own."""

    def call(work, *arguments, **more):
        with world.database.write() as tx:
            return work(tx, *arguments, **more)

    return call


@pytest.fixture
def crew(world):
    def look():
        with world.database.read() as tx:
            return {row.id: row for row in registry.crew(tx)}

    return look


@pytest.fixture
def here(do):
    def register(*names):
        for name in names:
            do(
                workers.register,
                workers.WorkerRow(id=name, host="h1", pid=7, version="1.2.3", lease_ms=LEASE_MS),
            )

    return register


def test_a_worker_is_shown_with_what_it_has_and_did_lately(world, here, crew):
    here("w1")
    world.run(4)
    for state in (AttemptState.LEASED, AttemptState.IN_FLIGHT, AttemptState.IN_FLIGHT):
        world.until(state)
    row = crew()["w1"]
    assert (row.host, row.pid, row.version, row.state) == ("h1", 7, "1.2.3", "running")
    assert (row.attempts, row.submits) == ({"leased": 1, "in_flight": 2}, 2)
    assert row.since == row.seen_at == world.clock.now_ms()
    world.clock.advance_ms(60_001)
    assert crew()["w1"].submits == 0


def test_states_follow_what_happened(world, here, do, crew):
    here("running", "asked", "stopped", "silent")
    world.clock.advance_ms(1000)
    asked_at = world.clock.now_ms()
    assert do(workers.drain, "asked")
    do(workers.stopped, "stopped")
    world.clock.advance_ms(LEASE_MS)
    for name in ("running", "asked"):
        do(workers.seen, name)
    rows = crew()
    assert {name: row.state for name, row in rows.items()} == {
        "running": "running",
        "asked": "draining",
        "stopped": "stopped",
        "silent": "lost",
    }
    assert (rows["asked"].since, rows["stopped"].since) == (asked_at, asked_at)
    assert [row.state for row in rows.values()][-2:] in (["stopped", "lost"], ["lost", "stopped"])


def test_a_lost_worker_that_lives_is_told_once_and_is_no_longer_lost(world, here, do, crew):
    here("w1", "w2")
    world.clock.advance_ms(LEASE_MS + 1)
    do(workers.seen, "w2")
    assert do(workers.lose_silent) == ["w1"]
    assert do(workers.lose_silent) == []
    assert do(workers.seen, "w1") == workers.Standing(was_lost=True)
    assert do(workers.seen, "w1") == workers.Standing()
    assert crew()["w1"].state == "running"
    assert (len(world.events("worker_lost")), len(world.events("worker_back"))) == (1, 1)


def test_a_worker_that_is_asked_to_finish_claims_nothing_from_that_moment(world, here, do):
    here("w1", "w2")
    world.run(3)
    assert len(world.claim(1, "w1")) == 1
    assert do(workers.drain, "w1")
    assert not do(workers.drain, "w1")
    result = world.do(claim.claim, world.request(5, "w1"))
    assert (result.claimed, result.draining) == ((), True)
    assert len(world.claim(5, "w2")) == 2


def test_draining_nobody_is_an_error_with_a_next_step(do):
    with pytest.raises(NotFoundError, match="workers list"):
        do(workers.drain, "nobody")


def test_workers_that_have_long_been_gone_are_forgotten_and_silent_ones_are_not(world, here, do):
    here("stopped", "lost", "silent")
    do(workers.stopped, "stopped")
    do(workers.lost, "lost")
    world.clock.advance_ms(7 * DAY_MS)
    here("second")
    assert {row.id for row in world.rows(worker_table)} == {"stopped", "lost", "silent", "second"}
    world.clock.advance_ms(1)
    here("third")
    assert {row.id for row in world.rows(worker_table)} == {"silent", "second", "third"}
