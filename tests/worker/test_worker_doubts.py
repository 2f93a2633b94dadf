"""When lost replies are looked at: what waits for a person never makes what does not wait."""

import pytest
from support.provider import FakeProvider

from orchestrator.core.states import AttemptState
from orchestrator.ports import Lost
from orchestrator.worker.doubts.resolver import IDLE_CHECK_SECONDS

SETTLE = 2.0
NORMAL = SETTLE / 8
"""Seconds between two looks at a doubt that may still resolve by itself."""

CLAIM = 1.0
"""Seconds until a worker notices a slot that a doubt has freed."""


class Listed(FakeProvider):
    """Remembers when its list was read; tasks end at once, and their inputs are not shown."""

    def __init__(self, clock):
        super().__init__(clock, latency=0.0)
        self.shows_inputs = False
        self.read_at = []

    async def list_predictions(self, **words):
        self.read_at.append(self.clock.monotonic())
        return await super().list_predictions(**words)


@pytest.fixture
def provider(clock):
    """Two tasks of somebody else, each of which a lost reply may have created."""
    provider = Listed(clock)
    provider.create({"prompt": "one"})
    provider.create({"prompt": "two"})
    return provider


@pytest.fixture
def harness(harness):
    harness.change("in_doubt", settle_seconds=SETTLE)
    harness.change("guards", unknown_tasks="ignore")
    harness.change("limits", concurrency=1)
    return harness


def test_a_new_doubt_beside_one_that_waits_for_a_person_frees_its_slot_after_the_settle_delay(harness, world):
    world.run(3)
    harness.provider.next_submits.extend([Lost("reset"), Lost("reset")])
    harness.drain()
    assert (world.jobs()["succeeded"], world.attempts()["in_doubt"]) == (1, 2)
    _, second, third = (at for at, _ in harness.provider.posts)
    assert second < SETTLE + 3 * NORMAL + CLAIM
    assert third - second < SETTLE + 3 * NORMAL + CLAIM
    assert min(at for at in harness.provider.read_at if at >= second) - second <= NORMAL


def test_a_doubt_that_another_worker_left_is_looked_at_within_seconds(harness, world):
    world.run(1)
    world.until(AttemptState.IN_DOUBT, "w0")
    made = []

    def lose(_stop):
        harness.provider.read_at.clear()
        made.append(harness.clock.monotonic())
        world.run(1, name="later")
        world.until(AttemptState.IN_DOUBT, "w1")

    harness.change("limits", concurrency=2)
    harness.run_for(60, (30.0, lose))
    assert 0 < harness.provider.read_at[0] - made[0] <= IDLE_CHECK_SECONDS


def test_many_replies_that_are_lost_together_do_not_make_the_list_read_more_often(harness, world):
    harness.provider.shows_inputs = True  # where it does not, care keeps losses apart
    harness.change("limits", concurrency=20)
    world.run(1, name="first")  # whose bill shows the price
    harness.run_for(20)
    harness.provider.read_at.clear()
    world.run(20)
    harness.provider.next_submits.extend([Lost("reset")] * 8)
    harness.run_for(10)
    looks = harness.provider.read_at
    assert not harness.provider.next_submits  # all were lost
    assert all(later - earlier >= NORMAL - 0.01 for earlier, later in zip(looks, looks[1:], strict=False))
