"""How a worker arrives, stops, dies, and is followed by another."""

import pytest
from support.world import LEASE_MS, PRICE

from orchestrator.core.errors import OperatorNeededError, OrchestratorError
from orchestrator.core.states import AttemptState
from orchestrator.ports import Balance, KeyRefused, NotSent
from orchestrator.store.account import workers as registry
from orchestrator.store.db.schema import attempts, jobs, workers
from orchestrator.worker.upkeep.heartbeat import TAKEN_FOR_DEAD, SilenceDetector


def request(stop):
    stop.request()


def test_what_a_worker_left_is_followed_by_the_next_without_another_post(harness, world):
    world.run(3)
    harness.provider.latency = 60.0
    harness.run_for(300, (5.0, request), (6.0, request))
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 3}, 3)
    assert {row.epoch for row in world.rows(attempts)} == {2}


@pytest.mark.parametrize("state", [AttemptState.IN_FLIGHT, AttemptState.FETCHING])
def test_a_dead_workers_attempts_are_taken_over_when_their_leases_lapse(harness, world, state):
    world.run(1)
    held = world.until(state, "dead")
    harness.provider.create({})
    harness.provider.tasks["p1"] = harness.provider.tasks.pop("task1")
    harness.change("guards", unknown_tasks="ignore")
    harness.clock.advance_ms(LEASE_MS)
    harness.drain()
    assert (world.job(held).state, harness.provider.posts) == ("succeeded", [])


def test_leases_are_kept_while_a_worker_lives(harness, world):
    world.run(1)
    harness.provider.latency = 200.0
    harness.change("worker", lease_seconds=15.0, poll_min_seconds=5.0)
    harness.drain()
    assert {row.epoch for row in world.rows(attempts)} == {1}
    assert world.jobs() == {"succeeded": 1}


def test_a_failed_heartbeat_loses_nothing(harness, world):
    world.run(3)
    harness.writer.failures["heartbeat"] = 1
    try:
        harness.drain()
    except OrchestratorError:
        harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 3}, 3)


@pytest.mark.parametrize(
    ("outcome", "error", "words"),
    [
        (Balance(0), OperatorNeededError, "no credit"),
        (KeyRefused("invalid", 401), OperatorNeededError, "refused the key"),
        (NotSent("no route"), OrchestratorError, "cannot be reached"),
    ],
)
def test_trouble_is_noticed_before_anything_is_sent(harness, world, outcome, error, words):
    world.run(1)
    harness.provider.balance_outcome = outcome
    with pytest.raises(error, match=words):
        harness.drain()
    assert (harness.provider.posts, world.jobs()) == ([], {"pending": 1})


def test_a_server_goes_on_by_itself_once_there_is_credit(harness, world):
    world.run(1)
    harness.provider.balance_outcome = Balance(0)

    def top_up(_stop):
        harness.provider.balance_outcome = Balance(5_000_000)

    harness.run_for(90, (20.0, top_up))
    assert (world.jobs(), harness.pauses()) == ({"succeeded": 1}, set())


def test_a_drain_ends_when_only_ambiguous_doubts_are_left(harness, world):
    world.run(2)
    harness.change("guards", unknown_tasks="ignore")
    held = world.until(AttemptState.IN_DOUBT, "w0")
    harness.provider.shows_inputs = False
    harness.provider.create({"prompt": "one"})
    harness.provider.create({"prompt": "two"})
    harness.drain(limit_seconds=3600)
    assert (world.attempt(held).state, world.attempts()["succeeded"]) == ("in_doubt", 1)
    assert world.account() == (PRICE, PRICE, 0)


def test_a_drain_waits_for_jobs_that_become_due(harness, world):
    world.run(1)
    world.give_back(world.lease(), delay_ms=45_000)
    harness.drain()
    assert (world.jobs(), harness.clock.monotonic() >= 45) == ({"succeeded": 1}, True)


def test_only_the_named_run_is_drained(harness, world):
    mine = world.run(2, name="mine")
    world.run(2, name="other")
    harness.drain(run_ids=frozenset({mine.id}))
    assert world.jobs() == {"succeeded": 2, "pending": 2}


def test_a_crash_between_intent_and_reply_never_sends_again_without_evidence(harness, world):
    class Killed(BaseException):
        pass

    def kill(name):
        if name == "submit.answered":
            raise Killed

    world.run(1)
    harness.crashpoint = kill
    with pytest.raises(Killed):
        harness.drain()
    harness.crashpoint = lambda name: None
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert world.account() == (PRICE, 0, 0)


@pytest.mark.parametrize("operation", ["claim", "rescue", "heartbeat", "complete", "begin_submit"])
def test_what_a_lost_answer_leaves_is_taken_up_within_seconds_and_no_death_is_counted(
    harness, world, operation
):
    world.run(3)
    world.until(AttemptState.FETCHING, "dead")  # for the rescue
    harness.change("guards", unknown_tasks="ignore")
    harness.clock.advance_ms(LEASE_MS)
    harness.writer.lost_commits[operation] = 1
    began = harness.clock.monotonic()
    harness.drain()
    assert harness.clock.monotonic() - began < LEASE_MS / 3 / 1000
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 3}, 2)
    assert {row.deaths for row in world.rows(jobs)} == {0}


def test_who_was_away_for_longer_than_a_lease_lets_the_others_say_that_they_live_before_it_rescues():
    """The database was away: every lease has lapsed, and nobody is dead."""
    pulse = SilenceDetector(60.0)
    assert pulse.may_rescue(0.0)  # a worker that begins
    pulse.beat(0.0)
    pulse.beat(20.0)
    assert pulse.may_rescue(50.0)
    assert not pulse.may_rescue(51.0)  # silent for half a lease
    pulse.beat(200.0)
    assert [pulse.may_rescue(at) for at in (200.0, 229.0, 230.0)] == [False, False, True]


def test_a_worker_that_is_asked_to_finish_collects_what_it_has_and_leaves(harness, world):
    world.run(9)
    harness.change("limits", concurrency=3)

    def drain(_stop):
        (row,) = world.rows(workers)
        with world.database.write() as tx:
            registry.drain(tx, row.id)

    worker = harness.run_for(300, (5.0, drain))
    assert worker.told_to_drain
    assert world.jobs() == {"succeeded": 3, "pending": 6}
    assert (len(harness.provider.posts), harness.clock.monotonic() < 60) == (3, True)
    (row,) = world.rows(workers)
    assert row.stopped_at is not None


def test_a_worker_that_was_taken_for_dead_finds_out_and_says_so(harness, world):
    world.run(1)
    harness.provider.latency = 100.0

    def lose(_stop):
        (row,) = world.rows(workers)
        with world.database.write() as tx:
            registry.lost(tx, row.id)

    harness.run_for(200, (5.0, lose))
    assert [words for words in harness.notices if "taken for dead" in words] == [TAKEN_FOR_DEAD]
    assert world.jobs() == {"succeeded": 1}
