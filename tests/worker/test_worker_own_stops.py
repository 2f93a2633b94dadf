"""A full disk and an unreadable list are their worker's: that one buys nothing, and the others go on."""

import asyncio
from dataclasses import replace

import pytest
from support.artifacts import FakeArtifacts
from support.world import PRICE

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import Balance, Lost, NoCredit
from orchestrator.store.stops.stops import survey
from orchestrator.store.views.registry import crew
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.worker import Worker


class WithoutList:
    """The provider as a key sees it for which the list cannot be read."""

    def __init__(self, provider):
        self.provider = provider

    def __getattr__(self, name):
        return getattr(self.provider, name)

    async def list_predictions(self, *_given, **_named):
        return Lost("502")


class Broke:
    """The provider as the key of an account without credit sees it."""

    def __init__(self, provider):
        self.provider = provider
        self.micros = 0
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self.provider, name)

    async def balance(self):
        return Balance(1 if self.asked == 0 else self.micros)

    async def submit(self, *given, **named):
        self.asked += 1
        if self.micros:
            return await self.provider.submit(*given, **named)
        return NoCredit("insufficient credits")


@pytest.fixture
def fleet(harness):
    """A worker of which `changed` differs from the others, beside a good one, or alone."""

    def run(seconds, *, look_at, beside, **changed):
        ailing = Worker(replace(harness.deps(), **changed), drain=False, is_alive=lambda pid: True)
        crowd = [ailing] + ([harness.worker(drain=False)] if beside else [])
        seen = []

        async def main():
            pairs = [(worker, Stop()) for worker in crowd]
            running = [asyncio.ensure_future(worker.run(stop)) for worker, stop in pairs]
            await harness.clock.sleep(look_at)
            with harness.world.database.read() as tx:
                found = [(stop.scope, stop.reason) for stop in survey(tx, "UTC").stops]
                seen.append((found, {row.id == ailing.id: row.state for row in crew(tx)}))
            await harness.clock.sleep(seconds - look_at)
            for _, stop in pairs:
                stop.raise_to(StopLevel.LEAVING)
            await asyncio.gather(*running)

        harness.run(main())
        return seen[0]

    return run


@pytest.fixture
def full_disk():
    artifacts = FakeArtifacts()
    artifacts.unwritable = "No space left on the device."
    return artifacts


def test_beside_a_full_disk_the_others_go_on_and_do_not_lift_its_stop(fleet, harness, world, full_disk):
    world.run(6)
    stops, states = fleet(120, look_at=60, beside=True, artifacts=full_disk)
    assert (stops, states) == ([("worker", "storage")], {True: "storage", False: "running"})
    assert (world.jobs(), full_disk.files) == ({"succeeded": 6}, {})
    assert len(world.events("paused")) == 1, "it does not flap"
    assert world.account() == (6 * PRICE, 0, 0)


def test_a_full_disk_of_the_only_worker_stops_the_account_until_it_takes_files(
    fleet, harness, world, full_disk
):
    world.run(2)
    stops, _ = fleet(60, look_at=30, beside=False, artifacts=full_disk)
    assert (stops, world.jobs(), harness.provider.posts) == ([("account", "storage")], {"pending": 2}, [])
    full_disk.unwritable = None
    assert fleet(60, look_at=30, beside=False, artifacts=full_disk)[0] == []
    assert world.jobs() == {"succeeded": 2}


def test_one_that_cannot_read_the_list_leaves_the_buying_to_those_who_can(fleet, harness, world):
    world.run(1)
    harness.drain()
    world.run(4, run_key="second")
    stops, states = fleet(120, look_at=30, beside=True, provider=WithoutList(harness.provider))
    assert (stops, states[True]) == ([("worker", "list_unreadable")], "list_unreadable")
    assert world.jobs() == {"succeeded": 5}


def test_a_worker_without_room_takes_over_nothing_that_it_cannot_store(fleet, harness, world, full_disk):
    world.run(1)
    harness.provider.latency = 60.0
    harness.run_for(10)
    fleet(120, look_at=60, beside=False, artifacts=full_disk)
    assert world.attempts() == {"in_flight": 1}
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


def test_beside_an_account_without_credit_a_funded_one_goes_on_and_does_not_lift_its_stop(
    fleet, harness, world
):
    world.run(20)
    harness.change("limits", submits_per_minute=10)
    broke = Broke(harness.provider)
    stops, states = fleet(200, look_at=60, beside=True, provider=broke)
    assert (stops, states) == ([("worker", "no_credit")], {True: "no_credit", False: "running"})
    assert (world.jobs(), len(world.events("paused"))) == ({"succeeded": 20}, 1)
    assert broke.asked <= 10, "what was on its way, and nothing after it"


def test_without_credit_anywhere_the_account_is_stopped_until_it_is_topped_up(fleet, harness, world):
    world.run(2)
    broke = Broke(harness.provider)
    assert fleet(60, look_at=30, beside=False, provider=broke)[0] == [("account", "no_credit")]
    broke.micros = 1_000_000
    fleet(60, look_at=30, beside=False, provider=broke)
    assert world.jobs() == {"succeeded": 2}


def test_a_draining_worker_without_credit_ends_and_says_so(harness, world):
    world.run(2)
    harness.provider = Broke(harness.provider)
    with pytest.raises(OperatorNeededError, match="no credit"):
        harness.drain(limit_seconds=600)
    assert (world.jobs(), world.account()) == ({"pending": 2}, (0, 0, 0))
