"""How ticks begin to work, and end."""

import pytest
from sqlalchemy import select
from support.nights import Nights

from orchestrator.core.tick_decisions import STUCK_MS
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import runs, ticks


@pytest.fixture
def nights(world):
    return Nights(world)


def test_a_tick_works_when_its_first_job_was_claimed_and_is_done_with_its_last(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    order = nights.night(jobs=2)
    assert nights.settle() == 0
    (held, _) = nights.world.claim()
    nights.settle()
    assert nights.ticks() == [("11-23T02:30", "working", None)]
    nights.world.give_back(held)
    for left in nights.world.rows(ticks):
        assert left.run_id is not None
    with nights.world.database.read() as tx:
        assert tx.conn.execute(select(runs.c.tick_id)).scalar() == order.tick.id


def test_a_night_with_nothing_to_do_is_done(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.night(jobs=0)
    assert nights.settle() == 1
    assert nights.ticks() == [("11-23T02:30", "done", None)]
    assert nights.world.rows(ticks)[0].code == 0


def test_a_cap_that_is_used_up_ends_a_tick_and_is_no_failure(nights):
    nights.add(pause_after_failures=1)
    nights.world.cap(28_000)
    nights.until("2026-11-23T02:30")
    nights.night(jobs=2)
    nights.succeed()
    assert nights.settle() == 1
    assert nights.ticks() == [("11-23T02:30", "done", "cap")]
    assert nights.world.rows(ticks)[0].code == 4
    assert nights.schedule().failures == 0


def test_a_stop_that_lasts_ends_a_tick_as_failed_and_counts(nights):
    nights.add(pause_after_failures=2)
    nights.until("2026-11-23T02:30")
    nights.night()
    with nights.world.database.write() as tx:
        pauses.begin(tx, pauses.Pause(scope="account", name="", reason="no_credit", message="Top it up."))
    assert nights.settle() == 0
    nights.world.clock.advance(STUCK_MS / 1000 - 1)
    assert nights.settle() == 0
    nights.world.clock.advance(1)
    assert nights.settle() == 1
    assert nights.ticks() == [("11-23T02:30", "failed", "stopped")]
    assert nights.schedule().failures == 1
    assert nights.schedule().paused_at is None


def test_a_stop_that_ends_in_time_is_forgotten(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.night()
    with nights.world.database.write() as tx:
        pauses.begin(tx, pauses.Pause(scope="account", name="", reason="no_credit", message="Top it up."))
    nights.settle()
    with nights.world.database.write() as tx:
        pauses.end(tx=tx, scope="account", name="", reason="no_credit")
    nights.settle()
    assert nights.world.rows(ticks)[0].stuck_since is None
