"""A refused key is its worker's: that one stops, hands over and tries again, and the others go on."""

import asyncio
from dataclasses import replace

import pytest
from support.world import PRICE

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import KeyRefused
from orchestrator.store.account import workers
from orchestrator.store.stops.stops import survey
from orchestrator.store.views.registry import crew
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.worker import Worker

REFUSED = KeyRefused("invalid key", 401)


class Keyed:
    """The provider, seen with a key that may be bad for everything or denied for requests."""

    def __init__(self, provider):
        self.provider = provider
        self.bad = False
        self.denied = False
        self.posts = 0

    def __getattr__(self, name):
        genuine = getattr(self.provider, name)
        if name == "aclose" or not asyncio.iscoroutinefunction(genuine):
            return genuine

        async def call(*given, **named):
            self.posts += name == "submit"
            if self.bad or (self.denied and name == "submit"):
                return REFUSED
            return await genuine(*given, **named)

        return call


@pytest.fixture
def fleet(harness):
    """Two workers of one database that do not drain: the first one's key is `mine`, the other's good."""

    class Fleet:
        mine = Keyed(harness.provider)
        told: list[str]

        def run(self, seconds, *script, good=0.0, drain=False):
            """For so many seconds; the worker with a good key begins `good` seconds later, or never: None."""
            self.told = []
            stops = Stop(), Stop()
            deps = replace(harness.deps(), provider=self.mine, notify=self.told.append)
            first = Worker(deps, drain=drain, is_alive=lambda pid: True)
            self.first = first.id

            async def later(at, action):
                await harness.clock.sleep(at)
                action()

            async def other():
                await harness.clock.sleep(good)
                await harness.worker(drain=False).run(stops[1])

            async def main():
                steps = [*script, (seconds, lambda: [stop.raise_to(StopLevel.LEAVING) for stop in stops])]
                scripted = [asyncio.ensure_future(later(*step)) for step in steps]
                running = [first.run(stops[0])] + ([] if good is None else [other()])
                ends = await asyncio.gather(*running, return_exceptions=True)
                for task in scripted:
                    task.cancel()
                await asyncio.gather(*scripted, return_exceptions=True)
                return ends

            return harness.run(main())

    return Fleet()


def stops(world):
    with world.database.read() as tx:
        return [(stop.scope, stop.reason) for stop in survey(tx, "UTC").stops]


def test_beside_a_worker_with_a_good_key_nothing_of_the_account_is_paused_or_resumed(fleet, harness, world):
    world.run(30)
    harness.change("limits", submits_per_minute=10)
    fleet.mine.bad = True
    seen = []
    fleet.run(300, *((at, lambda: seen.append(stops(world))) for at in range(2, 150, 7)))
    assert (world.jobs(), fleet.mine.posts) == ({"succeeded": 30}, 0)
    assert {entry for look in seen for entry in look} == {("worker", "key_refused")}
    told = world.events("paused") + world.events("resumed")
    assert [message for message in told if not message.startswith(f"worker {fleet.first}: key_refused")] == []
    assert world.account() == (30 * PRICE, 0, 0)


def test_what_a_worker_polls_when_its_key_is_refused_is_collected_by_another(fleet, harness, world):
    world.run(5)
    harness.provider.latency = 60.0
    harness.change("limits", concurrency=5)
    held = []

    def turn():
        with world.database.read() as tx:
            held.extend(row.attempts for row in crew(tx) if row.id == fleet.first)
        fleet.mine.bad = True

    fleet.run(250, (20, turn), good=15.0)
    assert world.jobs() == {"succeeded": 5}
    assert len(harness.provider.posts) == 5, "nothing was bought again"
    assert world.account() == (5 * PRICE, 0, 0)
    assert held == [{"in_flight": 5}]
    taken = [
        message.partition(" took over what was handed back: ")[2] for message in world.events("taken_over")
    ]
    assert sum(int(words.removesuffix(" collected on")) for words in taken) == 5


def test_without_another_worker_it_polls_on_and_collects_once_its_key_works(fleet, harness, world):
    world.run(3)
    harness.provider.latency = 30.0
    fleet.run(
        300,
        (10, lambda: setattr(fleet.mine, "bad", True)),
        (100, lambda: setattr(fleet.mine, "bad", False)),
        good=None,
    )
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 3}, 3)
    assert stops(world) == []


def test_when_no_worker_has_a_key_that_works_the_account_is_said_to_be_stopped(fleet, harness, world):
    world.run(3)
    fleet.mine.bad = True
    seen = []

    def look():
        with world.database.read() as tx:
            seen.extend((row.state, "WAVESPEED_API_KEY" in (row.stopped_by or "")) for row in crew(tx))
        seen.append(stops(world))

    fleet.run(60, (30, look), good=None)
    assert seen == [("key_refused", True), [("account", "key_refused")]]
    assert stops(world) == [("account", "key_refused")], "also once it has left: nobody else came"
    fleet.mine.bad = False
    fleet.run(60, good=None)
    assert (stops(world), world.jobs()) == ([], {"succeeded": 3})


def test_a_worker_that_leaves_with_a_bad_key_beside_a_good_one_leaves_no_stop(fleet, harness, world):
    world.run(1)
    fleet.mine.bad = True
    with world.database.write() as tx:
        workers.register(tx, workers.WorkerRow("good", "there", 1, lease_ms=600_000))
    fleet.run(30, good=None)
    assert stops(world) == []


def test_one_that_leaves_last_leaves_no_stop_when_the_work_was_done_meanwhile(fleet, harness, world):
    world.run(3)
    fleet.mine.bad = True
    fleet.run(60)
    assert (stops(world), world.jobs()) == ([], {"succeeded": 3})


def test_a_draining_worker_without_a_key_ends_and_says_what_to_do(fleet, harness, world):
    world.run(3)
    harness.provider.latency = 30.0
    ends = fleet.run(600, (10, lambda: setattr(fleet.mine, "bad", True)), good=None, drain=True)
    assert isinstance(ends[0], OperatorNeededError)
    assert "Set a working one in WAVESPEED_API_KEY" in str(ends[0])
    assert (world.jobs(), world.attempts()) == ({"running": 3}, {"in_flight": 3})
    assert harness.clock.monotonic() < 300
    fleet.mine.bad = False
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 3}, 3)


def test_a_key_that_works_but_is_denied_a_request_is_tried_seldom_and_says_which_it_is(fleet, harness, world):
    world.run(3)
    fleet.mine.denied = True
    fleet.run(3600, good=None)
    assert 2 < fleet.mine.posts < 20, "each try sends one request, and they become rare"
    assert any(
        message.startswith("The key works, but a request with it was refused") for message in fleet.told
    )
    assert world.jobs() == {"pending": 3}
    fleet.mine.denied = False
    fleet.run(60, good=None)
    assert world.jobs() == {"succeeded": 3}
