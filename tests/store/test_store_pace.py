"""While the submissions per minute are what jobs wait for, that is told; and only then."""

import pytest
from sqlalchemy import update
from support.world import PRICE

from orchestrator.actions.operator.explain import why
from orchestrator.store.account import pauses, rate_limits, rate_window
from orchestrator.store.db.schema import Scope, jobs
from orchestrator.store.stops.stops import RATE
from orchestrator.store.views.jobs.detail import job_detail
from orchestrator.store.views.runs.overview import status


def told(world):
    """What `status` says about the account's rate: reason, message, and in how many ms it ends."""
    with world.database.read() as tx:
        stops = [stop for stop in status(tx, "UTC").stops if stop.reason == RATE]
        return [(stop.subject, stop.message, stop.since, stop.until - tx.now) for stop in stops]


def test_ready_jobs_that_wait_for_the_rate_are_told_until_it_has_room(world):
    world.limit(submits_per_minute=3)
    world.run(5)
    assert told(world) == []
    began = world.clock.now_ms()
    assert len(world.claim()) == 3
    world.clock.advance(20)
    ((scope, message, since, left),) = told(world)
    assert (scope, message, since) == ("account", "3 of 3 submits of the last minute are taken", began)
    assert 40_000 <= left <= 40_000 + rate_window.MARGIN_MS
    with world.database.read() as tx:
        said = why(job_detail(tx, 5, "UTC"))
    assert said == "Ready, and waits for its turn: 3 of 3 submits of the last minute are taken."
    world.clock.advance_ms(left)
    assert told(world) == []
    assert len(world.claim()) == 2


@pytest.mark.parametrize("holds", ["nothing left", "all later", "a pause", "a cap", "room"])
def test_what_does_not_wait_for_the_rate_is_not_said_to(world, holds):
    world.limit(submits_per_minute=4 if holds == "room" else 3)
    run = world.run(3 if holds == "nothing left" else 5)
    world.claim(3)
    with world.database.write() as tx:
        if holds == "all later":
            later = world.clock.now_ms() + 3_600_000
            tx.conn.execute(update(jobs).where(jobs.c.queue == "ready").values(queue="waiting", due_at=later))
        if holds == "a pause":
            pauses.begin(
                tx,
                pauses.Pause(
                    scope="campaign", name=str(run.campaign_id), reason=pauses.BY_OPERATOR, message="wait"
                ),
            )
    if holds == "a cap":
        world.cap(3 * PRICE, Scope.RUN, run.id)
    assert told(world) == []
    if holds in {"a pause", "a cap"}:
        world.run(1, campaign="another")
        assert len(told(world)) == 1


def test_before_any_worker_has_written_the_limits_nothing_waits_for_them(world):
    world.run(1)
    with world.database.write() as tx:
        tx.conn.execute(rate_limits.limits.delete())
    assert told(world) == []


@pytest.mark.parametrize(
    ("taken", "most", "binds"), [(10, 10, True), (9, 10, False), (490, 500, True), (489, 500, False)]
)
def test_at_full_pace_the_little_that_becomes_free_is_as_good_as_taken(taken, most, binds):
    assert rate_limits.RateUse(taken, most, None).binds is binds
