"""Any number of caps at once, over midnight, month ends and daylight saving: none is passed in its own
window."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.databases import wipe
from support.times import FakeClock
from support.world import PRICE, World, spec

from orchestrator.core.budget import day_of, period_of, periods_of
from orchestrator.store.db.schema import Scope, Window, ledger
from orchestrator.store.db.server_clock import ServerClock
from orchestrator.store.stops.stops import survey

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo"]
TURNS = [  # around the changes of daylight saving, months, a leap day and a year
    datetime(2026, 3, 28, 22, tzinfo=UTC),
    datetime(2026, 10, 24, 21, tzinfo=UTC),
    datetime(2026, 11, 1, 3, tzinfo=UTC),
    datetime(2028, 2, 28, 22, tzinfo=UTC),
    datetime(2026, 12, 31, 20, tzinfo=UTC),
    datetime(2027, 1, 31, 12, tzinfo=UTC),
]


@given(
    zone=st.sampled_from(ZONES),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001
)
def test_the_day_of_an_instant_is_the_zones_calendar_day(zone, at):
    moment = at.replace(tzinfo=UTC)
    local = moment.astimezone(ZoneInfo(zone))
    day = day_of(int(moment.timestamp() * 1000), zone)
    assert day == f"{local:%Y-%m-%d}"
    assert periods_of(day) == ("total", f"{local:%Y-%m}", day)
    assert [period_of(window, day) for window in ("total", "month", "day")] == list(periods_of(day))


@given(zone=st.sampled_from(ZONES), turn=st.sampled_from(TURNS), minutes=st.integers(0, 3 * 24 * 60))
def test_days_never_go_back_and_no_hour_belongs_to_two(zone, turn, minutes):
    start = int(turn.timestamp() * 1000) + minutes * 60_000
    days = [day_of(start + hours * 3_600_000, zone) for hours in range(72)]
    assert days == sorted(days)
    assert all(days.count(day) <= 25 for day in days)


@settings(max_examples=30)
@given(
    zone=st.sampled_from(ZONES),
    turn=st.sampled_from(TURNS),
    caps=st.dictionaries(
        st.tuples(st.sampled_from(list(Scope)), st.sampled_from(list(Window))), st.integers(0, 9), max_size=6
    ),
    steps=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), min_size=1, max_size=8),
)
def test_no_cap_of_any_scope_is_passed_in_any_of_its_windows(database, entropy, zone, turn, caps, steps):
    wipe(database)
    clock = FakeClock(int(turn.timestamp() * 1000))
    database.clock = ServerClock(clock)
    world = World(database, clock, entropy)
    made = [world.run(30, campaign=f"c{number % 2}", run_key=f"r{number}") for number in range(3)]
    for (scope, window), jobs in caps.items():
        scope_id = {Scope.ACCOUNT: 0, Scope.CAMPAIGN: made[0].campaign_id, Scope.RUN: made[0].id}[scope]
        world.cap(micros=jobs * PRICE, scope=scope, scope_id=scope_id, window=window)
    for hours, want in steps:
        clock.advance(hours * 3600)
        local = datetime.fromtimestamp(clock.now_ms() / 1000, ZoneInfo(zone))
        claimed = world.claim(want, timezone=zone)
        for each in claimed:
            assert world.attempt(each).day == f"{local:%Y-%m-%d}"
    world.check_money()
    _recount(world, made[0], caps)


def _recount(world, first, caps):
    """The same from the ledger alone, with windows of our own."""
    sums = defaultdict(int)
    for row in world.rows(ledger):
        for window, period in ((Window.TOTAL, ""), (Window.MONTH, row.day[:7]), (Window.DAY, row.day)):
            for scope, is_mine in (
                (Scope.ACCOUNT, True),
                (Scope.CAMPAIGN, row.campaign_id == first.campaign_id),
                (Scope.RUN, row.run_id == first.id),
            ):
                if is_mine:
                    sums[scope, window, period] += row.held_delta + row.spent_delta + row.refund_due_delta
    for (scope, window, period), counted in sums.items():
        if (scope, window) in caps:
            assert counted <= caps[scope, window] * PRICE, (scope, window, period)


def test_a_day_cap_frees_at_the_zones_midnight_also_on_the_short_and_the_long_day(world):
    world.run(9)
    world.cap(PRICE, window=Window.DAY)
    for night in (datetime(2026, 3, 28, 12), datetime(2026, 10, 24, 12)):  # noqa: DTZ001
        zone = ZoneInfo("Europe/Berlin")
        midnight = (night + timedelta(days=1)).replace(hour=0, tzinfo=zone)
        after = (night + timedelta(days=2)).replace(hour=0, tzinfo=zone)
        clock = world.clock
        for edge in (midnight, after):
            clock._start_ms = int(edge.timestamp() * 1000) - 1 - int(clock.monotonic() * 1000)
            world.claim(5, timezone="Europe/Berlin")
            assert world.claim(5, timezone="Europe/Berlin") == ()
            clock.advance_ms(1)
            assert len(world.claim(5, timezone="Europe/Berlin")) == 1


# --- raising and lowering, coverage, and who is in whose way ---


def test_raising_a_cap_resumes_exactly_what_it_stopped(harness, sqlite_world, provider):
    sqlite_world.run(4)
    sqlite_world.cap(2 * PRICE)
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 2, "pending": 2}
    sqlite_world.cap(4 * PRICE)
    harness.drain()
    assert (sqlite_world.jobs(), len(provider.posts)) == ({"succeeded": 4}, 4)


def test_a_running_worker_goes_on_when_a_cap_is_raised(harness, sqlite_world, provider):
    sqlite_world.run(4)
    sqlite_world.cap(2 * PRICE)
    harness.run_for(120, (60, lambda _stop: sqlite_world.cap(4 * PRICE)))
    assert sqlite_world.jobs() == {"succeeded": 4}


def test_lowering_a_cap_below_what_is_spent_stops_and_takes_nothing_back(harness, sqlite_world, provider):
    sqlite_world.run(4)
    sqlite_world.cap(2 * PRICE)
    harness.drain()
    sqlite_world.cap(PRICE)
    harness.drain()
    assert len(provider.posts) == 2
    assert sqlite_world.account() == (2 * PRICE, 0, 0)


def test_every_asset_gets_its_first_variation_before_any_gets_its_second(harness, sqlite_world, provider):
    sqlite_world.apply([spec(n, variation=v, ordinal=n * 3 + v) for n in range(4) for v in (1, 2, 3)])
    sqlite_world.cap(5 * PRICE)
    harness.drain()
    prompts = [inputs["prompt"] for _, inputs in provider.posts]
    assert {f"hero {number}" for number in range(4)} == set(prompts)
    assert len(prompts) == 5


@pytest.mark.parametrize("first", ["dear", "cheap"])
def test_a_job_that_does_not_fit_blocks_neither_cheaper_ones_nor_other_campaigns(
    harness, sqlite_world, provider, first
):
    provider.price = lambda inputs: PRICE * inputs["num_images"]
    order = [("dear", 4), ("cheap", 1)]
    for name, images in order if first == "dear" else order[::-1]:
        sqlite_world.run(2, run_key=name, images=images, price=images * PRICE, priority=images)
    sqlite_world.run(2, campaign="other")
    sqlite_world.cap(3 * PRICE, Scope.CAMPAIGN, 1)
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 4, "pending": 2}


def test_what_a_cap_stops_is_told_with_its_window_its_amounts_and_its_scope(sqlite_world):
    sqlite_world.run(2)
    sqlite_world.cap(micros=PRICE, scope=Scope.CAMPAIGN, scope_id=1, window=Window.MONTH)
    sqlite_world.claim(5)
    with sqlite_world.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
    assert (stop.subject, stop.reason) == ("run spring/hero/main", "budget")
    assert (stop.cap.scope, stop.cap.name, stop.cap.window) == (Scope.CAMPAIGN, "spring", Window.MONTH)
    assert (stop.cap.spent_micros, stop.cap.reserved_micros) == (0, PRICE)
    assert stop.message == (
        "the month cap of campaign spring ($0.028) has $0.00 left; the next job costs $0.028"
    )


def test_a_wrong_order_of_hours_cannot_spend_a_day_twice(world):
    """The clock goes back over midnight: the earlier day's cap is still what it was."""
    world.run(4)
    world.cap(PRICE, window=Window.DAY)
    world.clock._start_ms = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
    assert len(world.claim(3)) == 1
    world.clock._start_ms -= 2000
    assert len(world.claim(3)) == 1
    world.clock._start_ms += 2000
    assert world.claim(3) == ()
    world.check_money()
