"""What another has done to a schedule since it was read counts; of a removed one nothing is left open."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.nights import HOUR, NIGHTLY, Nights
from support.times import FakeEntropy
from support.world import World

from orchestrator.core.errors import NotFoundError
from orchestrator.core.ticks import Overlap
from orchestrator.store.schedules import asking, expanding, firing, schedules
from orchestrator.store.schedules.expanding import LEASE_MS, TickWhy

FLOOD = TickWhy("too_many_changed", "980 of 1,000 jobs changed.", 5)


@pytest.fixture
def nights(world):
    found = Nights(world)
    found.add(pause_after_failures=1)
    found.until("2026-11-23T02:30")
    return found


def _remove(nights):
    with nights.world.database.write() as tx:
        asking.remove(tx, nights.schedule())


def test_what_a_guard_holds_of_a_removed_schedule_is_not_made(nights):
    nights.fire()
    order = nights.take()
    with nights.world.database.write() as tx:
        expanding.held(tx, order, FLOOD)
    _remove(nights)
    assert nights.ticks() == [("11-23T02:30", "skipped", "removed")]


def test_what_a_guard_would_hold_after_its_schedule_was_removed_waits_for_nobody(nights):
    nights.fire()
    order = nights.take()
    _remove(nights)
    with nights.world.database.write() as tx:
        assert expanding.held(tx, order, FLOOD)
    assert nights.ticks() == [("11-23T02:30", "skipped", "removed")]


def test_what_has_begun_of_a_removed_schedule_is_begun_again_when_its_worker_dies(nights):
    nights.fire()
    first = nights.take()
    _remove(nights)
    nights.world.clock.advance_ms(LEASE_MS)
    assert nights.fire().due == 0
    again = nights.take("w2")
    assert (again.tick.id, again.tick.worker) == (first.tick.id, "w2")
    nights.apply(again)
    nights.succeed()
    nights.settle()
    assert nights.ticks() == [("11-23T02:30", "done", None)]


def test_a_schedule_that_comes_back_neither_is_paused_nor_counts_what_failed_before(nights):
    nights.fire()
    order = nights.take()
    _remove(nights)
    with nights.world.database.write() as tx:
        assert expanding.failed(tx, order, TickWhy("manifest", "rows.csv is empty."))
    nights.add()
    assert (nights.schedule().paused_at, nights.schedule().failures) == (None, 0)


def test_an_edit_during_a_pause_counts_for_whoever_had_read_the_schedule_before(nights):
    read = nights.schedule()
    with nights.world.database.write() as tx:
        schedules.pause(tx, read, "stock-taking")
    nights.add(cron="0 4 * * *")
    with nights.world.database.write() as tx:
        assert schedules.resume(tx, read)
    assert nights.schedule().next_at == nights.world.clock.now_ms() + int(1.5 * HOUR) * 1000


def test_nothing_is_fired_of_a_pause_that_began_since_the_schedule_was_read(nights):
    nights.fire()
    nights.until("2026-11-24T02:30")
    read = nights.schedule()
    with nights.world.database.write() as tx:
        schedules.pause(tx, read, "stock-taking")
        assert firing.fire_one(tx, read) == firing.Fired()
    nights.add(cron=NIGHTLY)
    assert nights.ticks() == [("11-23T02:30", "due", None)]


def test_people_who_ask_at_once_beside_a_tick_of_the_schedule_get_one_each_and_one_at_a_time(
    nights, open_database, clock
):
    nights.add(overlap=Overlap.QUEUE)  # with `skip` the tick of the schedule is skipped where it comes second
    others = [Nights(World(open_database(), clock, FakeEntropy(number))) for number in range(3)]
    barrier = threading.Barrier(3)

    def ask(number):
        mine = others[number]
        barrier.wait(10)
        if number == 2:
            return mine.fire().due
        with mine.world.database.write() as tx:
            return len(asking.run_now(tx, mine.schedule()).begun)

    with ThreadPoolExecutor(3) as pool:
        *asked, fired = pool.map(ask, range(3))
    assert sorted(asked) == [0, 1]
    assert fired + nights.fire().due == 1  # who decides about a schedule is passed over by who fires
    first = nights.take()
    assert [each.take("w2") for each in others] == [None] * 3
    run = nights.apply(first, jobs=2)
    nights.succeed()
    nights.settle()
    second = nights.take()
    assert nights.apply(second, jobs=2) == run, "both are of one date"
    assert nights.world.claim() == ()


def test_a_schedule_that_was_removed_since_it_was_read_makes_nothing_now(nights):
    read = nights.schedule()
    _remove(nights)
    with nights.world.database.write() as tx, pytest.raises(NotFoundError, match="was removed"):
        asking.run_now(tx, read)
    assert nights.ticks() == []
