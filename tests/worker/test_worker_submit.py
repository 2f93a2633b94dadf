"""Every answer to a submission ends in the right state, with the right money, and stops what it
should stop."""

import pytest
from attempt_states import states
from support.world import PRICE

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import KeyRefused, NoCredit, NotSent, Rejected, Throttled
from orchestrator.store.db.schema import attempts


def test_a_run_is_made_once_and_every_picture_is_kept(harness, world):
    world.run(12, images=2, price=2 * PRICE)
    harness.drain()
    assert world.jobs() == {"succeeded": 12}
    assert len(harness.provider.posts) == 12
    assert len(harness.artifacts.files) == 24
    assert world.account() == (12 * 2 * PRICE, 0, 0)
    world.check_money()
    assert (harness.provider.closed, harness.artifacts.closed) == (True, True)


def test_a_second_drain_sends_nothing_and_downloads_nothing(harness, world):
    world.run(3)
    harness.drain()
    before = world.everything()
    harness.drain()
    assert len(harness.provider.posts) == len(harness.artifacts.requests) == 3
    assert world.everything() == before


def test_a_throttled_submission_comes_back_without_using_a_try(harness, world):
    world.run(1, max_attempts=1)
    harness.provider.next_submits.append(Throttled(7.0, "slow down"))
    harness.drain()
    assert states(world) == [("abandoned", "throttled"), ("succeeded", None)]
    first, second = (at for at, _ in harness.provider.posts)
    assert second - first >= 7.0
    world.check_money()


def test_throttling_pauses_everybody_for_a_growing_while(harness, world):
    world.run(1)
    harness.provider.next_submits.extend([Throttled()] * 4)
    harness.drain()
    times = [at for at, _ in harness.provider.posts]
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert len(gaps) == 4
    assert all(gap >= floor for gap, floor in zip(gaps, (1, 2, 4, 8), strict=True))


def test_no_connection_costs_nothing_and_is_tried_again(harness, world):
    world.run(1, max_attempts=1)
    harness.provider.next_submits.extend([NotSent("connection refused")] * 3)
    harness.drain()
    assert states(world) == [("abandoned", "unreachable")] * 3 + [("succeeded", None)]
    assert world.account() == (PRICE, 0, 0)


def test_a_rejected_request_fails_its_job_and_no_other(harness, world):
    world.run(2)
    harness.provider.next_submits.append(Rejected("prompt is required", 400, 1400))
    harness.drain()
    assert world.jobs() == {"failed": 1, "succeeded": 1}
    assert len(harness.provider.posts) == 2
    assert world.account() == (PRICE, 0, 0)
    failed = next(row for row in world.rows(attempts) if row.state == "failed")
    assert (failed.reason, failed.message, failed.code) == ("bad_input", "prompt is required", 1400)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(KeyRefused("invalid key", 401), "key_refused"), (NoCredit("insufficient credits"), "no_credit")],
)
def test_a_refused_account_stops_everything_until_somebody_acts(harness, world, answer, reason):
    world.run(5, max_attempts=1)
    harness.change("limits", submits_per_minute=1)
    harness.provider.next_submits.append(answer)
    harness.provider.balance_outcome = NotSent("unknown")
    harness.run_for(120)
    assert harness.pauses() == {reason}
    assert len(harness.provider.posts) == 1
    assert world.jobs() == {"pending": 5}
    assert {row.tries_left for row in world.rows(attempts.metadata.tables["jobs"])} == {1}
    assert world.account() == (0, 0, 0)


def test_a_drain_that_meets_a_refused_key_ends_with_its_jobs_pending(harness, world):
    world.run(3)
    harness.change("limits", concurrency=1)
    harness.provider.next_submits.append(KeyRefused("invalid key", 401))
    harness.provider.balance_outcome = Rejected("not now", 400)
    with pytest.raises(OperatorNeededError, match="refused the key \\(invalid key\\)"):
        harness.drain(limit_seconds=120)
    assert (world.jobs(), len(harness.provider.posts)) == ({"pending": 3}, 1)


def test_limits_hold_over_a_whole_run(harness, world):
    world.run(60)
    harness.change("limits", concurrency=7, submits_per_minute=20)
    harness.drain()
    assert world.jobs() == {"succeeded": 60}
    assert harness.provider.most_tasks_at_once() <= 7
    assert harness.provider.most_posts_in_a_minute() <= 20
    assert harness.clock.monotonic() < 60 / 20 * 65 + 60, "the window is used, not wasted"


@pytest.mark.parametrize("leaves_late", [True, False], ids=["leave late", "were long on their way"])
def test_posts_that_arrive_late_do_not_crowd_the_minute_in_which_they_do(harness, world, leaves_late):
    """For a connection, or in a busy process; in a network that drops packets, or before a busy server."""

    class Stalls(type(harness.provider)):
        async def submit(self, model, inputs, *, webhook=None, still_valid=None):
            assert leaves_late or still_valid()
            if len(self.posts) < 20:
                await self.clock.sleep(4.0)
            assert not leaves_late or still_valid()
            return await super().submit(model, inputs, webhook=webhook)

    harness.provider.__class__ = Stalls
    world.run(60)
    harness.change("limits", submits_per_minute=20)
    harness.drain()
    assert world.jobs() == {"succeeded": 60}
    assert harness.provider.most_posts_in_a_minute() <= 20
    assert harness.clock.monotonic() < 60 / 20 * 65 + 60, "each is counted in one minute only"


def test_a_cap_ends_a_drain_with_the_rest_pending(harness, world):
    world.run(5)
    world.cap(PRICE * 3)
    harness.drain()
    assert world.jobs() == {"succeeded": 3, "pending": 2}
    assert len(harness.provider.posts) == 3


def test_a_drifted_price_sends_nothing(harness, world):
    world.run(3)
    harness.provider.price = lambda inputs: 2 * PRICE
    harness.drain()
    assert (harness.provider.posts, world.jobs(), harness.pauses()) == ([], {"pending": 3}, {"price_drift"})
    assert world.account() == (0, 0, 0)
