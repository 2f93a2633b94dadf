"""A full disk and an unreadable list are their worker's: that one buys nothing, and the others go on."""

import asyncio
from dataclasses import replace

import pytest
from support.artifacts import FakeArtifacts
from support.world import PRICE

from orchestrator.ports import Lost
from orchestrator.store.stops.stops import survey
from orchestrator.store.views.registry import crew
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.worker import Worker

pytestmark = pytest.mark.usefixtures("seldom_idle")


class WithoutList:
    """The provider as a key sees it for which the list cannot be read."""

    def __init__(self, provider):
        self.provider = provider

    def __getattr__(self, name):
        return getattr(self.provider, name)

    async def list_predictions(self, *_given, **_named):
        return Lost("502")


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
