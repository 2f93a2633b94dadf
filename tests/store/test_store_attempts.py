"""Every transition of an attempt, and what a writer gets that is late."""

import pytest
from support.world import LEASE_MS, PRICE, Held

from orchestrator.core.states import ATTEMPT_LIVE, ATTEMPT_TRANSITIONS, AttemptEvent, AttemptState, sources
from orchestrator.store.attempts import lifecycle, transitions
from orchestrator.store.doubts import doubts
from orchestrator.store.runs.jobs import cancel

# Each fenced write: its name, how to call it, the events it stands for, and the answer of one that is late.
WRITES = [
    ("send", lambda world, held: world.send(held), {AttemptEvent.SEND_COMMITTED}, lifecycle.Send.LATE),
    (
        "accept",
        lambda world, held: world.accept(held),
        {AttemptEvent.ACCEPTED, AttemptEvent.EVIDENCE_FOUND},
        None,
    ),
    ("doubt", lambda world, held: world.doubt(held), {AttemptEvent.REPLY_LOST}, False),
    ("complete", lambda world, held: world.complete(held), {AttemptEvent.COMPLETED}, None),
    ("finish", lambda world, held: world.finish(held), {AttemptEvent.STORED}, False),
    (
        "lose outputs",
        lambda world, held: world.finish(held, 0, lost=((0, "gone"),)),
        {AttemptEvent.OUTPUT_GONE},
        False,
    ),
    ("fail", lambda world, held: world.fail(held), {AttemptEvent.PROVIDER_FAILED}, False),
    ("reject", lambda world, held: world.reject(held), {AttemptEvent.REJECTED}, False),
    *(
        (f"give back: {event}", lambda world, held, event=event: world.give_back(held, event), {event}, False)
        for event in (
            AttemptEvent.RELEASED,
            AttemptEvent.NOT_SENT,
            AttemptEvent.THROTTLED,
            AttemptEvent.REFUSED,
        )
    ),
]


def _legal(events):
    return {state for event in events for state in sources(ATTEMPT_TRANSITIONS, event)}


CASES = [
    pytest.param(write, events, late, state, id=f"{name} - {state}")
    for name, write, events, late in WRITES
    for state in AttemptState
    if state not in _legal(events)
]


@pytest.mark.parametrize(("write", "events", "late", "state"), CASES)
def test_a_write_in_the_wrong_state_changes_nothing_and_says_late(sqlite_world, write, events, late, state):
    world = sqlite_world
    world.run(2)
    held = world.until(state)
    before = world.everything()
    assert write(world, held) == late
    assert world.everything() == before


@pytest.mark.parametrize(
    ("write", "events", "late"), [pytest.param(*case[1:], id=case[0]) for case in WRITES]
)
def test_a_write_with_an_old_epoch_changes_nothing_and_says_late(world, write, events, late):
    for state in sorted(_legal(events)):
        world.run(1, run_key=f"{state}")
        held = world.until(state)
        zombie = Held(held.attempt_id, held.epoch - 1, held.job_id)
        before = world.everything()
        assert write(world, zombie) == late
        assert world.everything() == before
        world.claim()  # nothing of this state is left for the next round


@pytest.mark.parametrize(
    ("write", "events", "late"), [pytest.param(*case[1:], id=case[0]) for case in WRITES]
)
def test_a_write_in_the_right_state_moves_the_attempt_as_the_table_says(world, write, events, late):
    for state in sorted(_legal(events)):
        (event,) = [event for event in events if (state, event) in ATTEMPT_TRANSITIONS]
        world.run(1, run_key=f"{state}")
        held = world.until(state)
        assert write(world, held) != late
        attempt = world.attempt(held)
        assert attempt.state == ATTEMPT_TRANSITIONS[state, event]
        assert (attempt.finished_at is None) == (attempt.state in ATTEMPT_LIVE)
        world.check_money()
        world.limit(submits_per_minute=0)
        world.claim()
        world.limit()


def test_the_fence_stands_in_the_update_itself(sqlite_world):
    """A look that lies (a bug, a lost lock) is caught by the WHERE of the write."""
    world = sqlite_world
    world.run(1)
    held = world.until(AttemptState.LEASED)
    with world.database.write() as tx:
        seen = transitions.lock(
            tx, [lifecycle.BeginSubmit(held.attempt_id, held.epoch)], AttemptEvent.SEND_COMMITTED
        )
    world.send(held)
    with pytest.raises(AssertionError, match="0 of 1"), world.database.write() as tx:
        transitions.move(tx, [(seen[held.attempt_id], AttemptEvent.RELEASED, {"finished_at": tx.now})])


# --- accepting ---


def test_an_accepted_prediction_is_kept_with_its_times(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    world.clock.advance_ms(700)
    assert world.accept(held, "p-1") == held.epoch
    attempt = world.attempt(held)
    assert (attempt.prediction_id, attempt.status) == ("p-1", "created")
    assert attempt.accepted_at == attempt.submitted_at + 700
    assert attempt.lease_expires_at == attempt.accepted_at + LEASE_MS


def test_a_repeated_accept_answers_the_same_and_changes_nothing(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    assert world.accept(held, "p-1") == held.epoch
    before = world.everything()
    assert world.accept(held, "p-1") == held.epoch
    assert world.everything() == before
    assert world.events("late_acceptance") == []


def test_a_repeated_accept_after_another_worker_took_over_is_late(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    world.accept(held, "p-1")
    world.clock.advance_ms(LEASE_MS)
    (taken,) = world.rescue().taken_over
    assert taken.epoch == held.epoch + 1
    assert world.accept(held, "p-1") is None


def test_an_accept_after_another_worker_adopted_the_prediction_by_evidence_is_late(world):
    """It was suspended between the reply and this write; the prediction is kept, and is the other's to
    look after."""
    world.run(1)
    held = world.until(AttemptState.IN_DOUBT)
    found = doubts.Found(
        attempt_id=held.attempt_id,
        epoch=held.epoch,
        prediction_id="p-1",
        status="created",
        worker="w2",
        lease_ms=LEASE_MS,
        evidence="found in the list",
    )
    assert world.do(doubts.resolve_as, found)
    assert world.accept(held, "p-1", worker="w1") is None
    attempt = world.attempt(held)
    assert (attempt.state, attempt.worker, attempt.prediction_id) == ("in_flight", "w2", "p-1")


def test_an_accept_after_a_rescue_into_doubt_goes_in_flight(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    world.clock.advance_ms(LEASE_MS)
    assert world.rescue().doubted == 1
    assert world.accept(held, "p-1", worker="w1") == held.epoch
    attempt = world.attempt(held)
    assert (attempt.state, attempt.prediction_id, attempt.worker, attempt.reason) == (
        "in_flight",
        "p-1",
        "w1",
        None,
    )
    assert world.account() == (0, PRICE, 0)


def test_one_prediction_belongs_to_one_attempt(world):
    world.run(2)
    first, second = world.until(AttemptState.SUBMITTING), world.until(AttemptState.SUBMITTING)
    assert world.accept(first, "p-1") == first.epoch
    assert world.accept(second, "p-1") is None
    assert world.attempt(second).state == "submitting"
    (message,) = world.events("late_acceptance")
    assert "p-1" in message
    assert f"attempt {first.attempt_id} holds it" in message


def test_two_attempts_with_one_prediction_in_one_group_are_told_apart(world):
    world.run(2)
    first, second = world.until(AttemptState.SUBMITTING), world.until(AttemptState.SUBMITTING)
    rows = [
        lifecycle.Accept(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            worker="w1",
            prediction_id="p-1",
            status="created",
            lease_ms=LEASE_MS,
        )
        for held in (first, second, first)
    ]
    with world.database.write() as tx:
        assert lifecycle.accept(tx, rows) == [first.epoch, None, first.epoch]


def test_a_prediction_that_no_attempt_can_take_is_recorded(world):
    world.run(1)
    held = world.until(AttemptState.SUBMITTING)
    world.give_back(held, AttemptEvent.NOT_SENT)
    assert world.accept(held, "p-9") is None
    (message,) = world.events("late_acceptance")
    assert "p-9" in message


# --- completing and finishing ---


# --- ending without a result ---


def test_doubt_keeps_the_money_and_the_job(world):
    world.run(1)
    held = world.until(AttemptState.IN_DOUBT)
    assert (world.job(held).state, world.account()) == ("running", (0, PRICE, 0))
    assert world.claim() == ()


# --- cancelling under way ---


def test_a_cancelled_job_is_not_sent(world):
    world.run(1)
    held = world.lease()
    with world.database.write() as tx:
        assert cancel(tx, [held.job_id]).after_attempt == [held.job_id]
    assert world.send(held) is lifecycle.Send.CANCELLED
    assert world.give_back(held)
    assert (world.job(held).state, world.account()) == ("cancelled", (0, 0, 0))
