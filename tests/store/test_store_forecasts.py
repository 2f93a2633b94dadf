"""What this month comes to, read from running sums, waiting jobs and ticks."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from support.signed import SIGNED
from support.staged import Staged
from support.world import PRICE

from orchestrator.actions.operator.closing import close_campaign
from orchestrator.core.forecast import DAY_MS
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.schema import Scope, Window, balances, jobs, schedules, ticks
from orchestrator.store.runs.campaigns import pause
from orchestrator.store.views.money.forecasts import month_forecasts


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def go_to(world, text):
    world.clock.advance_ms(at(text) - world.clock.now_ms())


def forecasts(world, **planned):
    with world.database.read() as tx:
        return {each.name: each for each in month_forecasts(tx, "UTC", planned=planned)}


def said(world, name="account", **planned):
    found = forecasts(world, **planned)[name].found
    return found.committed, found.queued, found.p50, found.basis


def past_days(world, scope, scope_id, *, costs):
    """What each of the days before today cost; the world begins on 2026-11-22."""
    with world.database.write() as tx:
        for number, cost in enumerate(costs):
            row = {"scope": scope, "scope_id": scope_id, "period": f"2026-11-{21 - number}"}
            money = {"spent_micros": cost, "held_micros": 0, "refund_due_micros": 0}
            tx.conn.execute(balances.insert().values(**row, **money))


def test_nothing_is_foretold_of_an_empty_database(world):
    assert forecasts(world) == {}


def test_what_counts_and_what_waits_is_of_the_account_and_of_each_campaign(world):
    world.run(3, campaign="sale")
    world.run(2, campaign="other")
    world.until(AttemptState.SUCCEEDED)
    world.lease()
    found = forecasts(world)
    assert sum(found[name].found.queued for name in ("sale", "other")) == 3 * PRICE
    assert said(world) == (2 * PRICE, 3 * PRICE, None, "not enough history")


def test_what_waits_for_pictures_is_counted_until_its_picture_does_not_come(world):
    staged = Staged(world)
    staged.apply(2)
    assert said(world)[1] == 4 * PRICE
    staged.make()
    assert said(world)[1] == 3 * PRICE
    staged.make()
    assert said(world)[1] == 2 * PRICE
    staged.say(JobVerdict.REJECTED, staged.base(0).id)
    assert said(world)[1] == PRICE


def test_what_is_paused_or_waits_for_another_month_is_not_counted(world):
    world.run(2, campaign="sale")
    world.run(2, campaign="other")
    with world.database.write() as tx:
        pause(tx, "sale", "for a while")
        later = tx.now + 40 * DAY_MS
        tx.conn.execute(update(jobs).where(jobs.c.id == 3).values(queue="waiting", due_at=later))
    assert said(world)[1] == PRICE


def test_what_waits_counts_as_far_as_every_cap_lets_it_through(world):
    run = world.run(9, campaign="sale")
    world.run(9, campaign="other")
    world.cap(2 * PRICE, scope=Scope.RUN, scope_id=run.id)
    assert said(world)[1] == 11 * PRICE
    world.cap(PRICE, window=Window.DAY)
    assert said(world)[1] == 9 * PRICE, "one today, and one on each of the eight days that are left whole"
    world.cap(4 * PRICE, window=Window.MONTH)
    assert said(world)[1] == 4 * PRICE


def test_without_a_schedule_the_rate_of_the_last_days_goes_on(world):
    run = world.run(1, campaign="sale")
    past_days(world, "account", 0, costs=[10 * PRICE, 0, 20 * PRICE])
    past_days(world, "campaign", run.campaign_id, costs=[10 * PRICE, 0, 20 * PRICE])
    world.cap(50 * PRICE, scope=Scope.CAMPAIGN, scope_id=run.campaign_id, window=Window.MONTH)
    world.until(AttemptState.SUCCEEDED)
    found = forecasts(world)["sale"].found
    left = (9 * DAY_MS - world.clock.now_ms() % DAY_MS) / DAY_MS
    assert found.basis == "days"
    assert found.p50 == pytest.approx(PRICE + 10 * PRICE * left, rel=0.001)
    assert found.cap_reached_at > world.clock.now_ms()


def nightly(world, cron="0 2 * * *", *, nights=4, **values):
    """A schedule of `sale/night` with a paid job in each of the last nights."""
    runs = [world.run(1, campaign="sale", name="night", run_key=f"n{number}") for number in range(nights)]
    now = world.clock.now_ms()
    given = {"timezone": "UTC", "next_at": now + DAY_MS, "paused_at": None, "removed_at": None} | values
    with world.database.write() as tx:
        tx.conn.execute(
            schedules.insert().values(
                id=1,
                name="sale/night",
                manifest_path="night.yaml",
                cron=cron,
                settings={},
                revision=1,
                since=0,
                created_at=0,
                **given,
            )
        )
        for number, run in enumerate(runs):
            at = now - (nights - 1 - number) * DAY_MS
            tx.conn.execute(
                ticks.insert().values(
                    schedule_id=1,
                    key=f"k{number}",
                    revision=1,
                    kind="scheduled",
                    at=at,
                    due_at=at,
                    local="",
                    state="done",
                    run_id=run.id,
                    created_at=0,
                )
            )
    for _ in runs:
        world.until(AttemptState.SUCCEEDED)


def test_with_a_schedule_its_last_ticks_tell_what_the_next_ones_cost(world):
    nightly(world, next_at=at("2026-11-23T02:00"))
    found = forecasts(world)
    assert found["sale"].found.basis == found["account"].found.basis == "ticks"
    assert found["sale"].found.p50 == 4 * PRICE + 8 * PRICE


def test_a_schedule_fires_by_its_own_times_whatever_the_last_week_was_like(world):
    nightly(world, "0 2 * * 1", next_at=at("2026-11-23T02:00"))
    assert said(world, "sale")[2:] == (4 * PRICE + 2 * PRICE, "ticks"), "the 23rd and the 30th are Mondays"


def test_ticks_are_foretold_by_the_clock_on_the_wall_over_a_change_of_the_clock(world):
    go_to(world, "2027-03-26T12:00")
    nightly(world, "30 2 * * *", timezone="Europe/Vienna", next_at=at("2027-03-27T01:30"))
    campaign = world.run(1, campaign="sale", name="night", run_key="n0").campaign_id
    for held, reached in ((4, "2027-03-27T01:30"), (5, "2027-03-28T01:00"), (6, "2027-03-29T00:30")):
        world.cap(held * PRICE, scope=Scope.CAMPAIGN, scope_id=campaign, window=Window.MONTH)
        found = forecasts(world)["sale"].found
        assert (found.p50, found.cap_reached_at) == (9 * PRICE, at(reached))


def test_ticks_that_nobody_made_in_time_are_not_foretold(world):
    nightly(world, next_at=at("2026-11-01T02:00"))
    assert said(world, "sale")[2] <= 4 * PRICE + 9 * PRICE


@pytest.mark.parametrize("stopped", ["paused_at", "removed_at"])
def test_of_a_schedule_that_is_paused_or_removed_nothing_comes(world, stopped):
    nightly(world, **{stopped: 1})
    assert said(world, "sale")[2:] == (None, "not enough history")
    assert forecasts(world)["sale"].found.cap_reached_at is None


def test_where_a_zone_is_not_known_a_schedules_next_tick_is(world):
    nightly(world, timezone="Mars/Base", next_at=at("2026-11-24T02:00"))
    assert said(world, "sale")[2:] == (5 * PRICE, "ticks")


def test_a_closed_campaign_waits_for_nothing(world):
    world.run(5, campaign="sale")
    world.until(AttemptState.SUCCEEDED)
    close_campaign(world.database, "sale", SIGNED)
    assert said(world, "sale")[:2] == (PRICE, 0)


def test_what_is_planned_counts_among_what_waits_also_of_a_campaign_that_is_not_there_yet(world):
    world.run(1, campaign="sale")
    found = forecasts(world, sale=2 * PRICE, new=5 * PRICE)
    assert (found["sale"].found.queued, found["account"].found.queued) == (3 * PRICE, 8 * PRICE)
    assert "new" not in found
