"""A submission without a reply: never sent again in doubt, and followed or repeated once that is decided."""

from attempt_states import states
from support.provider import LosesReplies
from support.world import PRICE

from orchestrator.ports import Lost, NotSent


def test_a_lost_reply_is_never_sent_again_while_it_is_in_doubt(harness, world):
    world.run(1)
    harness.provider = LosesReplies(harness.clock)
    harness.change("in_doubt", settle_seconds=1e9)

    async def unreadable(**_window):
        return Lost("the list cannot be read")

    harness.provider.list_predictions = unreadable
    harness.run_for(200)
    assert len(harness.provider.posts) == 1
    assert states(world) == [("in_doubt", "reply_lost")]
    assert world.account() == (0, PRICE, 0)
    world.check_money()


def test_a_lost_reply_whose_task_is_in_the_list_is_followed_to_its_picture(harness, world):
    world.run(1)
    harness.provider = LosesReplies(harness.clock)
    harness.drain()
    assert len(harness.provider.posts) == 1
    assert (states(world), world.account()) == ([("succeeded", None)], (PRICE, 0, 0))


def test_a_lost_reply_that_created_nothing_is_sent_again_once_that_is_proved(harness, world):
    world.run(1)
    harness.provider.next_submits.append(Lost("reset"))
    harness.drain()
    assert [state for state, _ in states(world)] == ["abandoned", "succeeded"]
    first, second = (at for at, _ in harness.provider.posts)
    assert second - first >= harness.settings.in_doubt.settle_seconds
    assert world.account() == (PRICE, 0, 0)


def test_after_many_lost_replies_one_submission_at_a_time_asks_whether_the_provider_is_back(harness, world):
    world.run(20)
    harness.change("limits", concurrency=10)
    harness.change("in_doubt", settle_seconds=20)
    harness.provider.next_submits.extend([Lost("502")] * 11)
    harness.drain()
    times = sorted(at for at, _ in harness.provider.posts)
    assert world.jobs() == {"succeeded": 20}
    assert times[9] < times[10] < times[11], "the eleventh goes alone, and the twelfth waits for its answer"


def test_a_worker_that_was_suspended_before_its_post_left_holds_it_back(harness, world):
    """Another worker may have proved by then that nothing was created, and sent again."""
    world.run(1)
    answers = []

    class Suspended(type(harness.provider)):
        async def submit(self, model, inputs, *, webhook=None, still_valid=None):
            if not answers:
                self.clock.advance_ms(
                    int(harness.settings.worker.lease_seconds * 1000)
                )  # SIGSTOP, a sleeping laptop
            answers.append(still_valid())
            if not answers[-1]:
                return NotSent("held back", expired=True)
            return await super().submit(model, inputs, webhook=webhook)

    harness.provider.__class__ = Suspended
    harness.drain()
    assert answers == [False, True]
    assert (world.jobs(), len(harness.provider.posts), harness.pauses()) == ({"succeeded": 1}, 1, set())
