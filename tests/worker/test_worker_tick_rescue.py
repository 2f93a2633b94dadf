"""A tick whose worker is gone from this host is made at once, and a drain does not end over it."""

import socket

import pytest
from support.nights import Nights

from orchestrator.store.account import workers
from orchestrator.store.account.workers import WorkerRow
from orchestrator.store.schedules.expanding import Expanded, TickVerdict
from orchestrator.worker.stop import Stop
from orchestrator.worker.upkeep import nights as upkeep
from orchestrator.worker.worker import Worker


class Died(BaseException):
    """The process ends here."""


@pytest.fixture
def taken(harness, monkeypatch):
    """A tick that the worker w1 of this host has taken, and which died over it."""

    async def inline(work, *words):
        return work(*words)

    def expand(order):
        run = harness.world.run(2, campaign="spring", name="hero", run_key=order.tick.firing.word)
        return Expanded(TickVerdict.APPLIED, run_id=run.id, message="2 new jobs")

    def die(name):
        if name == "tick.taken":
            raise Died

    monkeypatch.setattr(upkeep, "in_thread", inline)
    monkeypatch.setattr(upkeep, "is_readable", lambda path: True)
    harness.expander, harness.crashpoint = expand, die
    nights = Nights(harness.world)
    nights.add()
    nights.until("2026-11-23T02:30")
    with harness.world.database.write() as tx:
        workers.register(tx, WorkerRow("w1", socket.gethostname(), 4711))
    with pytest.raises(Died):
        harness.run(upkeep.TickKeeper(harness.deps(), worker_id="w1", everything=True).tick(Stop()))
    harness.crashpoint = lambda name: None
    assert nights.ticks() == [("11-23T02:30", "expanding", None)]
    return nights


@pytest.mark.parametrize(("alive", "state"), [(False, "done"), (True, "expanding")])
def test_a_drain_makes_what_a_dead_worker_of_this_host_had_taken_and_leaves_a_living_one_its_own(
    harness, taken, alive, state
):
    began = harness.clock.now_ms()
    harness.run(Worker(harness.deps(), drain=True, is_alive=lambda pid: alive).run(Stop()))
    assert taken.ticks() == [("11-23T02:30", state, None)]
    assert harness.clock.now_ms() - began < 60_000
    assert harness.world.jobs() == ({} if alive else {"succeeded": 2})


def test_a_worker_that_leaves_gives_back_the_tick_that_it_was_at(harness, taken):
    from orchestrator.worker.pipeline.latencies import Latencies
    from orchestrator.worker.upkeep import startup

    startup.leave(harness.deps(), "w1", Latencies())
    harness.drain()
    assert taken.ticks() == [("11-23T02:30", "done", None)]
