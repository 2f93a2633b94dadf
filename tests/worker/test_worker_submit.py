"""Every answer to a submission ends in the right state, with the right money, and stops what it should
stop."""

from hashlib import sha256

import pytest
from support.provider import LosesReplies
from support.world import PRICE, spec

from orchestrator.core.errors import DatabaseError
from orchestrator.core.specs import LocalImage
from orchestrator.ports import KeyRefused, Lost, NoCredit, NotSent, Rejected, Throttled
from orchestrator.store.db.schema import attempts, uploads


def states(world):
    return [(row.state, row.reason) for row in world.rows(attempts)]


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


def test_the_intent_is_durable_before_the_post_leaves(harness, world):
    world.run(1)
    seen = []
    normal = harness.provider.submit

    async def look(model, inputs, **more):
        seen.extend(world.rows(attempts))
        return await normal(model, inputs, **more)

    harness.provider.submit = look
    harness.drain()
    assert [(row.state, row.prediction_id, row.reservation) for row in seen] == [("submitting", None, "held")]


def test_the_prediction_id_is_durable_before_anything_else_happens_to_it(harness, world):
    world.run(1)
    seen = []
    normal = harness.provider.result

    async def look(prediction_id):
        seen.append(world.rows(attempts)[0].prediction_id == prediction_id)
        return await normal(prediction_id)

    harness.provider.result = look
    harness.drain()
    assert set(seen) == {True}


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
    harness.drain(limit_seconds=120)
    assert world.jobs() == {"pending": 3}


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


# --- inputs ---


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    return LocalImage(path=str(path), sha256=sha256(b"picture").hexdigest(), bytes=7, media_type="image/png")


def with_photo(photo, count):
    params = {"images": ["a.png", "https://in.example/b.png"], "num_images": 1}
    return [
        spec(number, params={**params, "prompt": f"{number}"}, local_images={"a.png": photo})
        for number in range(count)
    ]


def test_equal_pictures_are_uploaded_once_and_sent_as_urls(harness, world, photo):
    world.apply(with_photo(photo, 5))
    harness.drain()
    assert harness.provider.uploads == [photo.sha256]
    assert {tuple(inputs["images"]) for _, inputs in harness.provider.posts} == {
        ("https://hosted.example/1.png", "https://in.example/b.png")
    }
    assert len(world.rows(uploads)) == 1


def test_a_hosted_copy_is_reused_by_the_next_worker_and_renewed_when_old(harness, world, photo):
    first, second, third = with_photo(photo, 3)
    for hours, job in ((0, first), (20, second), (10, third)):
        harness.clock.advance(hours * 3600)
        world.apply([job])
        harness.drain()
    assert len(harness.provider.uploads) == 2


def test_a_picture_that_changed_since_it_was_planned_is_not_sent(harness, world, photo, tmp_path):
    world.apply(with_photo(photo, 1))
    (tmp_path / "a.png").write_bytes(b"retouched")
    harness.drain()
    assert (harness.provider.posts, harness.provider.uploads) == ([], [])
    assert states(world) == [("abandoned", "input_changed")]
    assert (world.jobs(), world.account()) == ({"failed": 1}, (0, 0, 0))


@pytest.mark.parametrize("trouble", [Throttled(3.0), NotSent("refused"), Lost("reset")])
def test_a_troubled_upload_is_tried_again_and_costs_nothing(harness, world, photo, trouble):
    world.apply(with_photo(photo, 1))
    harness.provider.next_uploads.append(trouble)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert world.account() == (PRICE, 0, 0)


def test_a_rejected_upload_fails_its_job(harness, world, photo):
    world.apply(with_photo(photo, 1))
    harness.provider.next_uploads.append(Rejected("too large", 413))
    harness.drain()
    assert (states(world), world.jobs()) == ([("abandoned", "upload_rejected")], {"failed": 1})


# --- the database in trouble ---


def test_an_accepted_id_survives_trouble_with_the_database(harness, world):
    world.run(1)
    harness.writer.failures["accept"] = 5
    harness.drain()
    assert len(harness.provider.posts) == 1
    assert (world.jobs(), world.rows(attempts)[0].prediction_id) == ({"succeeded": 1}, "task1")


@pytest.mark.parametrize("operation", ["accept", "complete", "finish"])
def test_a_commit_whose_answer_was_lost_is_repeated_without_harm(harness, world, operation):
    world.run(1)
    harness.writer.lost_commits[operation] = 1
    harness.drain()
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert world.account() == (PRICE, 0, 0)


def test_trouble_before_the_post_sends_nothing(harness, world):
    world.run(1)
    harness.writer.failures["begin_submit"] = 1_000
    with pytest.raises(DatabaseError):
        harness.drain()
    assert harness.provider.posts == []
    assert harness.writer.calls.count("begin_submit") > 3
    harness.writer.failures.clear()
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


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
