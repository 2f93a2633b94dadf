"""`finish_by`: by the clock of the database nothing new leaves any worker, and what runs is collected."""

import pytest
from support.world import World, run_spec, spec

from orchestrator.actions.operator.exit_code import exit_code, facts_of
from orchestrator.core.errors import ExitCode
from orchestrator.core.states import AttemptState
from orchestrator.store.account import pauses
from orchestrator.store.attempts.lifecycle import Send
from orchestrator.store.claiming.lanes import lane_of_job
from orchestrator.store.runs import adding, runs
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.stops import stops_over, survey
from orchestrator.store.views.runs.progress import run_progress

HOUR = 3_600_000


@pytest.fixture
def night(world) -> World:
    """Three jobs of a run whose time is over in an hour."""
    add(world, finish_by=world.clock.now_ms() + HOUR)
    return world


def add(world: World, finish_by: int | None) -> None:
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(finish_by=finish_by))
        adding.add_jobs(tx, run, [spec(number) for number in range(3)])


def test_no_worker_claims_after_the_time(night):
    assert len(night.claim(1, "w1")) == 1
    night.clock.advance(HOUR / 1000)
    assert night.claim(1, "w1") == ()
    assert night.claim(1, "w2") == ()


def test_what_was_claimed_and_not_sent_is_given_back(night):
    """Invariant 5: past its end a run admits nothing; a claim alone is no admission to the provider."""
    held = night.lease()
    night.clock.advance(HOUR / 1000)
    assert night.send(held) is Send.PAUSED
    night.give_back(held)
    assert night.account() == (0, 0, 0)


def test_what_runs_is_collected_and_paid_for(night):
    held = night.until(AttemptState.IN_FLIGHT)
    night.clock.advance(HOUR / 1000)
    night.complete(held)
    assert night.finish(held)
    assert night.jobs() == {"succeeded": 1, "pending": 2}


def test_the_stop_names_its_reason_and_nothing_is_left_to_wait_for(night):
    night.clock.advance(HOUR / 1000)
    with night.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
        assert stop.reason == pauses.FINISH_BY
        assert "what runs is collected" in stop.message
        assert [each.reason for each in stops_over(tx, lane_of_job(tx, "2026-11-22", 1))] == ["finish_by"]
        assert outlook(tx, "UTC").finished
        facts = facts_of(run_progress(tx, None), [stop], interrupted=False)
    assert exit_code(facts) is ExitCode.BUDGET


def test_the_end_is_one_event_whoever_notices(night):
    with night.database.read() as tx:
        assert not pauses.any_unnoted(tx)
    night.clock.advance(HOUR / 1000)
    for _ in range(2):
        with night.database.write() as tx:
            pauses.note_over(tx)
    assert len(night.events("finish_by")) == 1
    with night.database.read() as tx:
        assert not pauses.any_unnoted(tx)


def test_applying_again_gives_the_run_until_the_next_time(night):
    night.clock.advance(HOUR / 1000)
    add(night, finish_by=night.clock.now_ms() + HOUR)
    assert len(night.claim(1)) == 1


def test_without_a_time_a_run_never_ends_by_itself(world):
    add(world, finish_by=None)
    world.clock.advance(1000 * HOUR / 1000)
    assert len(world.claim(1)) == 1
