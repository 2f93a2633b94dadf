"""Rescue, heartbeats, and workers that leave in order or die."""

import pytest
from support.world import LEASE_MS, PRICE

from orchestrator.core.states import AttemptState
from orchestrator.store.account import workers
from orchestrator.store.attempts import leases, releases
from orchestrator.store.attempts.held import held_by


@pytest.mark.parametrize(
    ("state", "becomes", "job", "account"),
    [
        (AttemptState.LEASED, "abandoned", "pending", (0, 0, 0)),
        (AttemptState.SUBMITTING, "in_doubt", "running", (0, PRICE, 0)),
        (AttemptState.IN_FLIGHT, "in_flight", "running", (0, PRICE, 0)),
        (AttemptState.FETCHING, "fetching", "running", (0, PRICE, 0)),
        (AttemptState.IN_DOUBT, "in_doubt", "running", (0, PRICE, 0)),
    ],
)
def test_what_rescue_does_with_a_lapsed_lease(world, state, becomes, job, account):
    world.run(1)
    held = world.until(state)
    world.clock.advance_ms(LEASE_MS)
    world.rescue("w2")
    assert (world.attempt(held).state, world.job(held).state, world.account()) == (becomes, job, account)
    assert world.job(held).tries_left == 3
    world.check_money()


@pytest.mark.parametrize("state", [AttemptState.IN_FLIGHT, AttemptState.FETCHING])
def test_what_is_accepted_is_taken_over_with_a_new_epoch(world, state):
    world.run(1)
    held = world.until(state)
    accepted_at = world.attempt(held).accepted_at
    world.clock.advance_ms(LEASE_MS)
    (taken,) = world.rescue("w2").taken_over
    assert (taken.attempt_id, taken.epoch, taken.state) == (held.attempt_id, held.epoch + 1, state)
    assert (taken.prediction_id, taken.accepted_at) == ("p1", accepted_at)
    assert taken.params == {
        "prompt": "spring/hero/main/28000 0",
        "images": ["https://in.example/a.png"],
        "num_images": 1,
    }
    attempt = world.attempt(held)
    assert (attempt.worker, attempt.lease_expires_at) == ("w2", world.clock.now_ms() + LEASE_MS)


def test_a_lease_that_holds_is_left_alone(world):
    world.run(1)
    world.until(AttemptState.IN_FLIGHT)
    world.clock.advance_ms(LEASE_MS - 1)
    assert world.rescue() == leases.Rescued((), 0, 0)


def test_the_worker_that_lost_an_attempt_cannot_end_it(world):
    world.run(1)
    held = world.until(AttemptState.FETCHING)
    world.clock.advance_ms(LEASE_MS)
    world.rescue("w2")
    assert not world.finish(held)
    assert world.attempt(held).state == "fetching"


def test_an_attempt_is_taken_over_by_one_worker_only(world):
    world.run(3)
    for _ in range(3):
        world.until(AttemptState.IN_FLIGHT)
    world.clock.advance_ms(LEASE_MS)
    assert len(world.rescue("w2").taken_over) == 3
    assert world.rescue("w3").taken_over == ()


def test_a_worker_does_not_take_the_epoch_of_whoever_took_its_attempt_over(world):
    world.run(1)
    held = world.until(AttemptState.IN_FLIGHT)

    def resumed(worker):
        with world.database.read() as tx:
            return [(row.attempt_id, row.epoch) for row in held_by(tx, worker, [held.attempt_id])]

    assert resumed("w1") == [(held.attempt_id, held.epoch)]
    world.clock.advance_ms(LEASE_MS)
    world.rescue("w2")
    assert resumed("w1") == []
    assert resumed("w2") == [(held.attempt_id, held.epoch + 1)]


def test_rescue_is_bounded_and_the_next_call_takes_the_rest(world, monkeypatch):
    monkeypatch.setattr(leases, "RESCUE_MAX", 2)
    world.run(3)
    for _ in range(3):
        world.until(AttemptState.IN_FLIGHT)
    world.clock.advance_ms(LEASE_MS)
    assert [len(world.rescue().taken_over) for _ in range(3)] == [2, 1, 0]


def test_what_was_claimed_and_not_sent_is_released_whatever_else_has_lapsed_before_it(world, monkeypatch):
    monkeypatch.setattr(leases, "RESCUE_MAX", 2)
    world.run(6)
    accepted = [world.until(AttemptState.IN_FLIGHT) for _ in range(3)]
    world.clock.advance_ms(1)
    unsent = [world.until(AttemptState.LEASED) for _ in range(3)]

    def released():
        with world.database.write() as tx:
            return releases.release_unsent(tx)

    assert released() == 0
    world.clock.advance_ms(LEASE_MS)
    assert [released() for _ in range(3)] == [2, 1, 0]
    assert {world.attempt(held).state for held in accepted} == {"in_flight"}
    assert {world.job(held).state for held in unsent} == {"pending"}
    world.check_money()


def test_a_heartbeat_extends_the_leases_of_its_worker_and_of_no_other(world):
    world.run(3)
    mine, other = world.until(AttemptState.IN_FLIGHT, "w1"), world.until(AttemptState.LEASED, "w2")
    world.until(AttemptState.SUCCEEDED, "w1")
    world.clock.advance_ms(30_000)
    assert len(world.do(leases.extend_leases, leases.ExtendLeases("w1", LEASE_MS))) == 1
    now = world.clock.now_ms()
    assert world.attempt(mine).lease_expires_at == now + LEASE_MS
    assert world.attempt(other).lease_expires_at == now + 30_000


def test_a_leaving_worker_gives_back_what_it_did_not_send_and_hands_on_what_runs(world):
    world.run(4)
    leased = world.until(AttemptState.LEASED)
    unanswered = world.until(AttemptState.SUBMITTING)
    running = world.until(AttemptState.IN_FLIGHT)
    other = world.until(AttemptState.LEASED, "w2")
    with world.database.write() as tx:
        assert releases.release_worker(tx, "w1") == 1
    assert [world.attempt(held).state for held in (leased, unanswered, running, other)] == [
        "abandoned",
        "in_doubt",
        "in_flight",
        "leased",
    ]
    assert world.job(leased).tries_left == 3
    assert [item.attempt_id for item in world.rescue("w3").taken_over] == [running.attempt_id]
    world.check_money()


def test_leases_of_a_dead_worker_end_at_once(world):
    world.run(2)
    world.until(AttemptState.IN_FLIGHT, "dead")
    world.until(AttemptState.IN_FLIGHT, "alive")
    with world.database.write() as tx:
        assert leases.expire_leases_of_workers(tx, ["dead"]) == 1
        assert leases.expire_leases_of_workers(tx, []) == 0
    assert len(world.rescue().taken_over) == 1


def test_workers_that_never_stopped_are_found_by_their_host(world):
    with world.database.write() as tx:
        for name, host in (("a", "h1"), ("b", "h1"), ("c", "h2")):
            workers.register(tx, workers.WorkerRow(name, host, 1))
        workers.stopped(tx, "a")
        workers.seen(tx, "b")
        assert [row.id for row in workers.unfinished(tx, "h1")] == ["b"]
