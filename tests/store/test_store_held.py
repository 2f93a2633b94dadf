"""One shape for what a worker holds, however it came to hold it."""

from dataclasses import replace

import pytest
from support.world import LEASE_MS

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts.held import HeldAttempt, held_by
from orchestrator.store.claiming import claim


def held(world, attempt, worker="w1"):
    with world.database.read() as tx:
        (row,) = held_by(tx, worker, [attempt.attempt_id])
    return row


def test_a_claim_hands_out_what_the_database_says_without_reading_it_again(world):
    world.run(3)
    claimed = world.claim()
    assert [held(world, attempt) for attempt in claimed] == list(claimed)
    assert [attempt.state for attempt in claimed] == [AttemptState.LEASED] * 3


def test_a_claim_whose_answer_was_lost_is_recovered_as_it_was_made(world):
    world.run(3)
    claimed = world.claim()
    known = frozenset({claimed[0].attempt_id})
    assert world.do(claim.recover, claim.Recover("w1", known)) == claimed[1:]


def test_an_accepted_attempt_is_what_the_database_says_of_it(world):
    world.run(1)
    (claimed,) = world.claim()
    world.send(claimed)
    epoch = world.accept(claimed, "p1")
    accepted = claimed.accepted(epoch=epoch, prediction_id="p1", accepted_at=world.clock.now_ms())
    assert held(world, claimed) == accepted


def test_an_attempt_that_is_taken_over_differs_in_its_epoch_alone(world):
    world.run(1)
    before = held(world, world.until(AttemptState.FETCHING))
    world.clock.advance_ms(LEASE_MS)
    (taken,) = world.rescue("w2").taken_over
    assert taken == replace(before, epoch=before.epoch + 1)
    assert taken.inference_ms == 900


@pytest.mark.parametrize(
    ("params", "local_images", "all_ours"),
    [
        ({"images": ["a.png"], "prompt": "x"}, {"a.png": {}}, True),
        ({"images": ["a.png", "https://in.example/b.png"]}, {"a.png": {}}, False),
        ({"images": ["https://in.example/b.png"]}, {}, False),
        ({"prompt": "x"}, {}, False),
    ],
)
def test_a_picture_that_cannot_be_fetched_is_our_fault_only_where_every_one_is_our_upload(
    world, params, local_images, all_ours
):
    world.run(1)
    (claimed,) = world.claim()
    attempt: HeldAttempt = replace(claimed, params=params, local_images=local_images)
    assert attempt.sends_only_uploads is all_ours
