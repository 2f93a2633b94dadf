"""A run in which too much fails, or is flagged, is paused before it costs more; others go on."""

import pytest
from sqlalchemy import update
from support.provider import Ending

from orchestrator.core.breakers import Breakers
from orchestrator.core.states import AttemptState
from orchestrator.ports import Status
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import outputs
from orchestrator.store.runs import campaigns, failure_rates
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.upkeep import upkeep
from orchestrator.worker.upkeep.stage_keeper import StageKeeper


@pytest.fixture
def watch(harness):
    def watched():
        deps = harness.deps()
        restored_copy, stages = RestoredCopyCheck(deps, "w"), StageKeeper(deps)
        harness.run(upkeep.tick(deps, AccountPauses(deps), restored_copy, stages=stages))
        with harness.world.database.read() as tx:
            return {(pause.scope, pause.name, pause.reason) for pause in pauses.in_force(tx)}

    return watched


def ended(world, good, bad):
    for _ in range(good):
        world.until(AttemptState.SUCCEEDED)
    for _ in range(bad):
        world.reject(world.until(AttemptState.SUBMITTING))


@pytest.mark.parametrize(
    ("good", "bad", "stops"), [(9, 11, True), (10, 10, False), (0, 19, False), (0, 20, True)]
)
def test_a_run_pauses_when_more_than_its_share_has_failed_among_enough(
    harness, sqlite_world, watch, good, bad, stops
):
    run = sqlite_world.run(good + bad + 1)
    ended(sqlite_world, good, bad)
    assert watch() == ({("run", str(run.id), "failure_rate")} if stops else set())


def test_only_the_run_in_question_is_paused(harness, sqlite_world, watch):
    harness.change("guards", min_jobs=2)
    bad = sqlite_world.run(3, run_key="bad")
    ended(sqlite_world, 0, 2)
    sqlite_world.run(3, run_key="good")
    assert watch() == {("run", str(bad.id), "failure_rate")}
    assert {claimed.run_id for claimed in sqlite_world.claim()} == {2}


def test_resuming_the_campaign_starts_the_figures_afresh(harness, sqlite_world, watch):
    harness.change("guards", min_jobs=2)
    sqlite_world.run(6)
    ended(sqlite_world, 0, 2)
    assert watch()
    sqlite_world.clock.advance(1)
    with sqlite_world.database.write() as tx:
        assert campaigns.resume(tx, "spring")
    assert watch() == set()
    ended(sqlite_world, 0, 2)
    assert watch()


@pytest.mark.parametrize(("limit", "stops"), [(None, False), (0.5, True), (0.75, False)])
def test_flagged_pictures_pause_a_run_where_a_rate_is_set(harness, sqlite_world, watch, limit, stops):
    harness.change("guards", min_jobs=4, nsfw_rate=limit)
    run = sqlite_world.run(5)
    ended(sqlite_world, 4, 0)
    with sqlite_world.database.write() as tx:
        tx.conn.execute(update(outputs).where(outputs.c.job_id <= 3).values(nsfw=True))
    assert watch() == ({("run", str(run.id), "nsfw_rate")} if stops else set())


def test_unknown_flags_are_not_counted_as_flagged(sqlite_world):
    sqlite_world.run(3)
    ended(sqlite_world, 2, 0)
    with sqlite_world.database.read() as tx:
        (found,) = failure_rates.of_open_runs(tx, Breakers(flagged=0.5, min_jobs=1))
    assert (found.figures.pictures, found.figures.flagged) == (2, 0)


def test_pictures_are_not_counted_when_no_rate_asks(sqlite_world):
    sqlite_world.run(3)
    ended(sqlite_world, 2, 0)
    with sqlite_world.database.read() as tx:
        (found,) = failure_rates.of_open_runs(tx, Breakers(failed=0.5, min_jobs=1))
    assert (found.figures.succeeded, found.figures.pictures) == (2, 0)


def test_a_worker_stops_buying_for_a_run_that_fails_and_uses_up_no_further_try(
    harness, sqlite_world, provider
):
    harness.change("guards", min_jobs=5)
    harness.change("limits", submits_per_minute=5, concurrency=5)
    sqlite_world.run(40, max_attempts=1)
    provider.next_endings.extend([Ending(Status.FAILED, {"error": "bad", "code": 1401})] * 40)
    harness.drain()
    assert len(provider.posts) <= 15
    assert harness.pauses() == {"failure_rate"}
    assert sqlite_world.jobs()["pending"] == 40 - len(provider.posts)


def test_what_has_become_known_is_heeded_before_a_new_worker_buys_anything(harness, sqlite_world, provider):
    harness.change("guards", min_jobs=5)
    sqlite_world.run(40, max_attempts=1)
    ended(sqlite_world, 1, 9)
    before = len(provider.posts)
    harness.drain()
    assert (len(provider.posts), harness.pauses()) == (before, {"failure_rate"})
