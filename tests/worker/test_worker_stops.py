"""How a worker ends: a person's stop, a supervisor's, and the second of either."""

from support.provider import Slow
from support.world import PRICE

from orchestrator.store.db.schema import attempts, jobs, workers
from orchestrator.worker.stop import Stop, StopLevel


def request(stop):
    stop.request()


def test_the_first_stop_finishes_what_is_in_flight_and_sends_nothing_more(harness, world):
    world.run(9)
    harness.change("limits", concurrency=3)
    harness.run_for(300, (5.0, request))
    assert world.jobs() == {"succeeded": 3, "pending": 6}
    assert len(harness.provider.posts) == 3
    assert harness.clock.monotonic() < 60


def test_the_second_stop_leaves_at_once_and_costs_no_try(harness, world):
    world.run(3, max_attempts=1)
    harness.provider.latency = 10_000.0
    harness.run_for(300, (5.0, request), (6.0, request))
    assert harness.clock.monotonic() < 20
    assert world.attempts() == {"in_flight": 3}
    assert {row.tries_left for row in world.rows(jobs)} == {1}
    assert all(row.lease_expires_at <= harness.clock.now_ms() for row in world.rows(attempts))
    assert all(row.stopped_at for row in world.rows(workers))


def test_a_second_stop_waits_a_little_for_replies_to_requests_that_were_sent(harness, world):
    world.run(1)
    harness.provider = Slow(harness.clock)
    harness.provider.seconds = 8.0
    harness.run_for(300, (2.0, request), (3.0, request))
    assert world.attempts() == {"in_flight": 1}


def test_a_reply_that_does_not_come_in_time_leaves_the_attempt_in_doubt(harness, world):
    world.run(1)
    harness.provider = Slow(harness.clock)
    harness.provider.seconds = 100.0
    harness.run_for(300, (2.0, request), (3.0, request))
    assert (world.attempts(), world.account()) == ({"in_doubt": 1}, (0, PRICE, 0))


def test_a_worker_that_is_stopped_shows_that_it_is_finishing(harness, world):
    world.run(1)
    harness.provider.latency = 100.0
    seen = []
    harness.run_for(200, (5.0, request), (60.0, lambda _stop: seen.extend(world.rows(workers))))
    assert seen[0].draining_at is not None


def hand_over(stop):
    stop.hand_over()


def test_a_supervisors_stop_hands_over_what_is_in_flight_at_once(harness, world):
    world.run(3, max_attempts=1)
    harness.provider.latency = 10_000.0
    harness.run_for(300, (5.0, hand_over))
    assert harness.clock.monotonic() < 6
    assert world.attempts() == {"in_flight": 3}
    assert {row.tries_left for row in world.rows(jobs)} == {1}
    assert all(row.lease_expires_at <= harness.clock.now_ms() for row in world.rows(attempts))
    assert all(row.stopped_at for row in world.rows(workers))


def test_a_supervisors_stop_finishes_requests_under_way(harness, world):
    world.run(1)
    harness.provider = Slow(harness.clock)
    harness.provider.seconds = 5.0
    harness.run_for(300, (2.0, hand_over))
    assert world.attempts() == {"in_flight": 1}
    assert 5 <= harness.clock.monotonic() < 7


def test_downloads_under_way_are_finished_within_the_grace(harness, world):
    world.run(1)
    harness.provider.latency = 1.0
    harness.artifacts.delay = lambda: harness.clock.sleep(5.0)
    harness.run_for(300, (3.0, hand_over))
    assert world.jobs() == {"succeeded": 1}


def test_a_download_that_takes_longer_is_left_to_the_next_worker(harness, world):
    world.run(1)
    harness.change("worker", stop_grace_seconds=4.0)
    harness.provider.latency = 1.0
    harness.artifacts.delay = lambda: harness.clock.sleep(500.0)
    harness.run_for(1000, (20.0, hand_over))
    assert 24 <= harness.clock.monotonic() < 26
    assert world.attempts() == {"fetching": 1}
    harness.artifacts.delay = None
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


def test_a_supervisors_second_stop_leaves_at_once(harness, world):
    world.run(1)
    harness.provider.latency = 1.0
    harness.artifacts.delay = lambda: harness.clock.sleep(500.0)
    harness.run_for(1000, (20.0, hand_over), (21.0, hand_over))
    assert harness.clock.monotonic() < 22


def test_a_persons_stop_and_then_a_supervisors_is_no_second_request():
    stop = Stop()
    assert [stop.request(), stop.hand_over(), stop.hand_over()] == [
        StopLevel.FINISHING,
        StopLevel.HANDING_OVER,
        StopLevel.LEAVING,
    ]


def test_a_stop_only_rises():
    stop = Stop()
    assert [stop.request(), stop.raise_to(StopLevel.FINISHING), stop.request(), stop.request()] == [
        StopLevel.FINISHING,
        StopLevel.FINISHING,
        StopLevel.LEAVING,
        StopLevel.LEAVING,
    ]
    assert stop.by_user
