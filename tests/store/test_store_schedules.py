"""Schedules in the store: each tick fires once, is expanded once, and ends as its run does."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.nights import Nights
from support.world import World

from orchestrator.core.errors import NotFoundError
from orchestrator.core.ticks import HOUR_MS, CatchUp, Overlap
from orchestrator.store.schedules import asking, expanding
from orchestrator.store.schedules.expanding import TickWhy


@pytest.fixture
def nights(world):
    return Nights(world)


def test_a_tick_fires_when_its_time_has_come_and_never_again(nights):
    nights.add()
    assert nights.fire().due == 0
    nights.until("2026-11-23T02:30")
    assert nights.fire().due == 1
    assert nights.fire().due == 0
    assert nights.ticks() == [("11-23T02:30", "due", None)]
    assert nights.world.events("tick_due") == ["spring/hero at 2026-11-23T02:30 is due"]


def test_a_clock_that_jumps_back_fires_nothing_twice(nights):
    nights.add()
    nights.until("2026-11-23T02:31")
    nights.fire()
    nights.world.clock.advance_ms(-2 * HOUR_MS)
    assert nights.fire().due == 0
    nights.world.clock.advance_ms(2 * HOUR_MS)
    assert nights.fire().due == 0
    assert len(nights.ticks()) == 1


def test_after_three_days_asleep_the_last_night_is_made_and_the_others_are_missed_in_one_event(nights):
    nights.add()
    nights.until("2026-11-25T09:00")
    fired = nights.fire()
    assert (fired.due, fired.missed) == (1, 2)
    assert [state for _, state, _ in nights.ticks()] == ["missed", "missed", "due"]
    (message,) = nights.world.events("ticks_missed")
    assert message.startswith("2 ticks were missed of spring/hero (2026-11-23T02:30 to 2026-11-24T02:30)")
    assert "orchestrator schedule backfill spring/hero 2026-11-24T02:30" in message


def test_a_night_that_is_too_long_ago_is_missed(nights):
    nights.add()
    nights.until("2026-11-23T20:00")
    assert nights.fire().missed == 1


def test_all_missed_nights_are_made_one_at_a_time_oldest_first(nights):
    nights.add(catch_up=CatchUp.ALL, max_age_ms=7 * 24 * HOUR_MS)
    nights.until("2026-11-25T09:00")
    assert nights.fire().due == 3
    first = nights.take()
    assert first.tick.local == "2026-11-23T02:30"
    assert nights.take() is None
    nights.apply(first)
    assert nights.take() is None
    nights.succeed()
    assert nights.settle() == 1
    assert nights.take().tick.local == "2026-11-24T02:30"


def test_a_minutely_schedule_that_slept_for_a_week_writes_a_bounded_number_of_rows(nights):
    nights.add(cron="* * * * *")
    nights.until("2026-11-29T12:00")
    fired = nights.fire()
    assert fired.missed == 7 * 24 * 60 - 1
    assert len(nights.ticks()) == 201
    assert f"{fired.missed} ticks were missed" in nights.world.events("ticks_missed")[0]


def test_an_edit_of_the_time_counts_from_then_on_and_leaves_what_has_fired(nights):
    nights.add()
    nights.until("2026-11-23T02:31")
    order = nights.night()
    put = nights.add(cron="0 2 * * *", timezone="Europe/Vienna")
    assert (put.changed, put.schedule.revision) == (True, 2)
    assert nights.fire().due == 0  # 02:00 in Vienna is past, and was no tick of this revision
    nights.until("2026-11-24T01:00")
    nights.succeed()
    nights.settle()
    assert nights.fire().due == 1
    assert nights.ticks() == [("11-23T02:30", "done", None), ("11-24T02:00", "due", None)]
    assert order.tick.revision == 1


def test_a_schedule_added_twice_is_one_and_changes_nothing(nights):
    first = nights.add()
    nights.until("2026-11-23T01:00")
    again = nights.add()
    assert not again.changed
    assert again.schedule == first.schedule


def test_an_edit_of_other_words_keeps_the_next_tick(nights):
    before = nights.add().schedule
    nights.until("2026-11-22T20:00")
    after = nights.add(overlap=Overlap.QUEUE).schedule
    assert (after.revision, after.next_at) == (before.revision, before.next_at)
    assert after.words.overlap is Overlap.QUEUE


def test_a_tick_is_applied_once_though_its_worker_was_taken_for_dead(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    slow = nights.take("w1")
    nights.world.clock.advance(expanding.LEASE_MS / 1000 + 1)
    nights.fire()
    assert nights.ticks() == [("11-23T02:30", "due", None)]
    quick = nights.take("w2")
    assert quick.tick.id == slow.tick.id
    run_id = nights.apply(quick)
    with nights.world.database.write() as tx:
        assert not expanding.applied(tx, slow, run_id)
        assert not expanding.failed(tx, slow, TickWhy("manifest_invalid", "late"))
        assert not expanding.prolong(tx, slow)
    assert nights.ticks() == [("11-23T02:30", "applied", None)]
    assert "worker w1 fell silent" in nights.world.events("tick_retaken")[0]


def test_a_worker_that_lives_keeps_its_lease(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    order = nights.take()
    for _ in range(3):
        nights.world.clock.advance(expanding.LEASE_MS / 1000 - 1)
        with nights.world.database.write() as tx:
            assert expanding.prolong(tx, order)
            assert expanding.expire(tx) == 0


def test_only_who_reads_the_manifest_takes_the_tick(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    assert nights.take(readable=[]) is None
    assert nights.ticks() == [("11-23T02:30", "due", None)]


def test_a_removed_schedule_fires_nothing_and_comes_back_with_its_history(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    with nights.world.database.write() as tx:
        asking.remove(tx, nights.schedule())
    assert nights.take() is None
    assert nights.ticks() == [("11-23T02:30", "skipped", "removed")]
    nights.until("2026-11-24T02:30")
    assert nights.fire().due == 0
    with pytest.raises(NotFoundError, match="no schedule 'spring/hero'"):
        nights.schedule()
    put = nights.add()
    assert put.before is None
    assert (put.schedule.revision, put.schedule.since) == (2, nights.world.clock.now_ms())


def test_a_schedule_is_found_by_its_last_part_unless_two_have_it(nights):
    nights.add("spring/hero")
    nights.add("summer/sea")
    assert nights.schedule("sea").name == "summer/sea"
    nights.add("spring/sea")
    with pytest.raises(NotFoundError, match="spring/sea, summer/sea"):
        nights.schedule("sea")
    with pytest.raises(NotFoundError, match='did you mean "spring/hero"'):
        nights.schedule("spring/heroe")


def test_three_workers_fire_and_take_each_tick_exactly_once(nights, open_database, clock, entropy):
    names = [f"spring/hero{number}" for number in range(6)]
    for name in names:
        nights.add(name, cron="*/10 * * * *")
    others = [Nights(World(open_database(), clock, entropy)) for _ in range(3)]
    taken = []
    for _ in range(3):
        clock.advance(600)
        barrier = threading.Barrier(3)

        def work(number, barrier=barrier):
            mine, found = others[number], []
            barrier.wait(10)
            for _ in range(8):
                mine.fire()
                if order := mine.take(f"w{number}"):
                    found.append(order)
            return found

        with ThreadPoolExecutor(3) as pool:
            orders = [order for found in pool.map(work, range(3)) for order in found]
        taken += [(order.schedule.name, order.tick.key) for order in orders]
        for order in orders:
            nights.apply(order, jobs=0)
        nights.settle()
    assert len(taken) == len(set(taken)) == 18
    assert len(nights.world.events("tick_due")) == 18
    assert {state for _, state, _ in nights.ticks()} == {"done"}
