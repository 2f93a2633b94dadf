"""What becomes of a tick that fails, is held, or is asked for; who hears of it."""

import pytest
from support.nights import Nights

from orchestrator.core.notices import NoticeKind
from orchestrator.core.ticks import HOUR_MS
from orchestrator.store.db.schema import ticks
from orchestrator.store.notices.tick_findings import ticked
from orchestrator.store.schedules import asking, expanding, pings, schedules
from orchestrator.store.schedules.expanding import TickWhy

FLOOD = TickWhy("change_flood", "980 of 1,000 jobs changed.", code=5)
INVALID = TickWhy("manifest_invalid", "jobs.yaml:3:1: budget: no\nand more")


@pytest.fixture
def nights(world):
    return Nights(world)


def failed_night(nights, text):
    nights.until(text)
    nights.fire()
    order = nights.take()
    with nights.world.database.write() as tx:
        assert expanding.failed(tx, order, INVALID)


def test_failures_one_after_another_pause_the_schedule_and_say_why(nights):
    nights.add(pause_after_failures=2)
    failed_night(nights, "2026-11-23T02:30")
    assert nights.schedule().paused_at is None
    failed_night(nights, "2026-11-24T02:30")
    paused = nights.schedule()
    assert paused.paused_why == "2 ticks failed one after another; the last: jobs.yaml:3:1: budget: no"
    assert nights.world.events("schedule_paused") == [f"schedule spring/hero is paused: {paused.paused_why}"]
    nights.until("2026-11-25T02:30")
    assert nights.fire().due == 0


def test_a_night_that_went_well_starts_the_count_again(nights):
    nights.add(pause_after_failures=2)
    failed_night(nights, "2026-11-23T02:30")
    nights.until("2026-11-24T02:30")
    nights.night()
    nights.succeed()
    nights.settle()
    assert nights.schedule().failures == 0


def test_a_resumed_schedule_fires_what_comes_and_not_what_was_paused(nights):
    nights.add()
    with nights.world.database.write() as tx:
        assert schedules.pause(tx, nights.schedule(), "a holiday")
        assert not schedules.pause(tx, nights.schedule(), "another reason")
    nights.until("2026-11-25T09:00")
    assert nights.fire().due == 0
    with nights.world.database.write() as tx:
        assert schedules.resume(tx, nights.schedule())
        assert not schedules.resume(tx, nights.schedule())
    assert nights.fire().due == 0
    nights.until("2026-11-26T02:30")
    assert nights.fire().due == 1
    assert nights.ticks() == [("11-26T02:30", "due", None)]


def test_what_a_guard_holds_waits_until_a_person_agrees(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    order = nights.take()
    with nights.world.database.write() as tx:
        assert expanding.held(tx, order, FLOOD)
    assert nights.take() is None
    assert nights.schedule().failures == 1
    nights.world.clock.advance(20 * 3600)
    with nights.world.database.write() as tx:
        (tick,) = asking.waiting(tx, nights.schedule())
        assert asking.approve(tx, tick)
        assert not asking.approve(tx, tick)
    again = nights.take()
    assert (again.tick.id, again.approved) == (order.tick.id, True)


def test_a_person_may_refuse_what_a_guard_holds(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    order = nights.take()
    with nights.world.database.write() as tx:
        expanding.held(tx, order, FLOOD)
        (tick,) = asking.waiting(tx, nights.schedule())
        assert asking.refuse(tx, tick, "it was an export", schedule=nights.schedule())
    assert nights.ticks() == [("11-23T02:30", "skipped", "refused")]


def test_the_next_night_takes_the_place_of_one_that_waits_for_a_person(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.fire()
    order = nights.take()
    with nights.world.database.write() as tx:
        expanding.held(tx, order, FLOOD)
    nights.until("2026-11-24T02:30")
    nights.fire()
    assert nights.take() is not None
    assert nights.ticks() == [
        ("11-23T02:30", "superseded", "overtaken"),
        ("11-24T02:30", "expanding", None),
    ]


def test_run_now_is_a_tick_of_its_own_and_waits_for_the_one_at_work(nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    nights.night()
    with nights.world.database.write() as tx:
        (tick,) = asking.run_now(tx, nights.schedule()).begun
        assert [each.id for each in asking.run_now(tx, nights.schedule()).left] == [tick.id]
    nights.world.clock.advance(90)
    with nights.world.database.write() as tx:
        assert asking.run_now(tx, nights.schedule()).begun == []
    assert nights.take() is None
    nights.succeed()
    nights.settle()
    assert nights.take().tick.id == tick.id


def test_a_backfill_makes_what_is_missing_once_and_leaves_what_is_done(nights):
    nights.add()
    nights.until("2026-11-25T09:00")
    nights.night()
    nights.succeed()
    nights.settle()
    schedule = nights.schedule()
    days = schedule.timetable.between(schedule.since - 100 * HOUR_MS, schedule.since)
    found = []
    for _ in range(2):
        with nights.world.database.write() as tx:
            asked = asking.backfill(tx, schedule, days)
        found.append((len(asked.begun), len(asked.again), len(asked.left)))
    assert found == [(len(days) - 3, 2, 1), (0, 0, len(days))]
    assert nights.take().tick.local == days[0].local


def test_a_failed_tick_is_made_again_under_its_own_key(nights):
    nights.add()
    failed_night(nights, "2026-11-23T02:30")
    (row,) = nights.world.rows(ticks)
    with nights.world.database.write() as tx:
        tick = expanding.by_id(tx, row.id)
        assert asking.backfill(tx, nights.schedule(), [tick.firing]).again
    order = nights.take()
    assert (order.tick.id, order.tick.local) == (row.id, "2026-11-23T02:30")


def test_start_and_end_are_owed_to_the_address_and_told_once(nights):
    nights.add(ping="https://hc.example/abc")
    nights.until("2026-11-23T02:30")
    order = nights.night(jobs=0)
    with nights.world.database.write() as tx:
        (start,) = pings.take(tx)
        assert pings.take(tx) == []
        pings.told(tx, [start])
    nights.settle()
    with nights.world.database.write() as tx:
        (end,) = pings.take(tx)
        pings.told(tx, [end])
    assert (start.address, end.address) == ("https://hc.example/abc/start", "https://hc.example/abc/0")
    nights.world.clock.advance(3600)
    with nights.world.database.write() as tx:
        assert pings.take(tx) == []
    assert order.schedule.words.ping


def test_a_ping_without_an_answer_is_tried_again_and_given_up(nights):
    nights.add(ping="https://hc.example/abc?x=1")
    nights.until("2026-11-23T02:30")
    nights.fire()
    nights.take()
    heard = []
    for _ in range(10):
        with nights.world.database.write() as tx:
            heard += pings.take(tx)
        nights.world.clock.advance(pings.AGAIN_MS / 1000)
    assert [ping.address for ping in heard] == ["https://hc.example/abc/start?x=1"] * pings.TRIES_MAX


def test_an_end_takes_the_place_of_a_start_that_was_not_told(nights):
    nights.add(ping="https://hc.example/abc")
    nights.until("2026-11-23T02:30")
    nights.night(jobs=0)
    nights.settle()
    with nights.world.database.write() as tx:
        assert [ping.what for ping in pings.take(tx)] == ["0"]


def test_a_dead_mans_switch_hears_that_a_tick_waits_for_a_person_and_how_it_goes_on(nights):
    nights.add(ping="https://hc.example/abc")
    nights.until("2026-11-23T02:30")
    nights.fire()
    heard = []

    def listen():
        with nights.world.database.write() as tx:
            taken = pings.take(tx)
            pings.told(tx, taken)
        heard.extend(ping.what for ping in taken)

    order = nights.take()
    listen()
    with nights.world.database.write() as tx:
        assert expanding.held(tx, order, FLOOD)
    listen()
    with nights.world.database.write() as tx:
        (tick,) = asking.waiting(tx, nights.schedule())
        assert asking.approve(tx, tick)
    nights.apply(nights.take(), 0)
    listen()
    nights.settle()
    listen()
    assert heard == ["start", "5", "start", "0"]


def test_a_hold_that_the_next_ticks_take_over_is_told_once_and_a_new_one_anew(nights):
    nights.add(cron="* * * * *")

    def minute(end):
        nights.world.clock.advance(60)
        nights.fire()
        order = nights.take()
        with nights.world.database.write() as tx:
            end(tx, order, FLOOD)
        with nights.world.database.read() as tx:
            return {each.subject for each in ticked(tx, 0) if each.kind is NoticeKind.APPROVAL_WAITING}

    held = [minute(expanding.held) for _ in range(3)]
    assert held == [{f"tick {nights.world.rows(ticks)[0].id} waiting_approval"}] * 3
    assert minute(expanding.failed) == set()
    again = [minute(expanding.held) for _ in range(2)]
    assert again[0] == again[1] != held[0]
