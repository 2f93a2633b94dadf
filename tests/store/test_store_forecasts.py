"""What this month comes to, read from running sums, waiting jobs and ticks."""

import pytest
from sqlalchemy import update
from support.signed import SIGNED
from support.world import PRICE

from orchestrator.actions.operator.closing import close_campaign
from orchestrator.core.forecast import DAY_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import Scope, Window, balances, jobs, schedules, ticks
from orchestrator.store.runs.campaigns import pause
from orchestrator.store.views.forecasts import month_forecasts


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


def test_with_a_schedule_its_last_ticks_tell_what_the_next_ones_cost(world):
    nights = [world.run(1, campaign="sale", name="night", run_key=f"n{number}") for number in range(4)]
    now = world.clock.now_ms()
    with world.database.write() as tx:
        tx.conn.execute(
            schedules.insert().values(
                id=1,
                name="sale/night",
                manifest_path="night.yaml",
                cron="0 2 * * *",
                timezone="UTC",
                settings={},
                revision=1,
                since=0,
                next_at=now + DAY_MS,
                created_at=0,
            )
        )
        for number, night in enumerate(nights):
            tx.conn.execute(
                ticks.insert().values(
                    schedule_id=1,
                    key=f"k{number}",
                    revision=1,
                    kind="scheduled",
                    at=now - (3 - number) * DAY_MS,
                    due_at=now - (3 - number) * DAY_MS,
                    local="",
                    state="done",
                    run_id=night.id,
                    created_at=0,
                )
            )
    for _ in nights:
        world.until(AttemptState.SUCCEEDED)
    found = forecasts(world)
    ahead = len(range(now + DAY_MS, now + 8 * DAY_MS + DAY_MS, DAY_MS))
    assert found["sale"].found.basis == found["account"].found.basis == "ticks"
    assert found["sale"].found.p50 == 4 * PRICE + ahead * PRICE


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
