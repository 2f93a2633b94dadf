"""Looking at tasks: only the provider's own word, or an hour of denial, ends one."""

import pytest
from support.provider import Ending
from support.times import HOUR
from support.world import PRICE

from orchestrator.core.specs import LocalImage
from orchestrator.core.states import AttemptState
from orchestrator.ports import KeyRefused, Lost, Missing, NotSent, Prediction, Rejected, Status, Throttled
from orchestrator.store.attempts.held import held_by
from orchestrator.store.db.schema import attempts, jobs, latencies
from orchestrator.worker.activity import Activity
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.poll import Poller
from orchestrator.worker.pipeline.prepare import Inputs
from orchestrator.worker.pipeline.troubles import TroubleNotes


def only(world):
    return world.rows(attempts)[-1]


@pytest.mark.parametrize(
    "look",
    [
        Lost("502"),
        NotSent("refused"),
        Throttled(2.0),
        Throttled(None),
        Rejected("odd", 400),
        KeyRefused("suspended", 403),
        Missing("unknown"),
        Prediction("task1", Status.RUNNING, "a word nobody knows"),
    ],
    ids=["lost", "not sent", "wait 2 s", "wait", "rejected", "key refused", "missing", "unknown word"],
)
def test_a_look_that_says_nothing_never_ends_a_task(harness, world, look):
    world.run(1, max_attempts=1)
    harness.provider.next_looks.extend([look] * 3)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


def test_a_straggler_is_followed_for_as_long_as_it_takes(harness, world):
    world.run(1)
    harness.change("worker", poll_min_seconds=5.0, poll_max_seconds=60.0)
    harness.provider.latency = 400.0
    harness.drain()
    assert world.jobs() == {"succeeded": 1}
    assert len(harness.provider.looks) < 60


def test_a_task_the_provider_denies_for_an_hour_is_given_up_and_its_money_counts_as_spent(harness, world):
    world.run(1, max_attempts=3)
    harness.change("worker", lease_seconds=900.0, poll_min_seconds=300.0, poll_max_seconds=600.0)
    held = world.until(AttemptState.IN_FLIGHT)
    with world.database.read() as tx:
        (attempt,) = held_by(tx, "w1", [held.attempt_id])
    polls = []
    poller = Poller(
        harness.deps(),
        inputs=Inputs(harness.deps()),
        activity=Activity(),
        account_pauses=AccountPauses(harness.deps()),
        latencies=Latencies(),
        troubles=TroubleNotes(harness.deps()),
        completed=lambda _attempt, _expected: pytest.fail("nothing was completed"),
        spawn=polls.append,
        wake=lambda: None,
    )

    denied_at = []

    async def deny(prediction_id):
        denied_at.append(harness.clock.monotonic())
        return Missing("no such prediction")

    async def main():
        poller.add(attempt)
        while world.attempt(held).state == "in_flight":
            await poller.tick()
            while polls:
                await polls.pop()
            harness.clock.advance(60)

    harness.provider.result = deny
    harness.run(main())
    assert denied_at[-2] - denied_at[0] < HOUR <= denied_at[-1] - denied_at[0]
    assert (world.attempt(held).state, world.attempt(held).reason) == ("failed", "prediction_missing")
    assert (world.job(held).state, world.account()) == ("failed", (PRICE, 0, 0))


def test_one_good_look_starts_the_hour_of_denial_again(harness, world):
    world.run(1)
    harness.provider.next_looks.extend(
        [Missing("x"), Prediction("task1", Status.RUNNING, "processing"), Missing("x")]
    )
    harness.drain()
    assert world.jobs() == {"succeeded": 1}


def test_looks_keep_to_their_rate(harness, world):
    world.run(40)
    harness.change("limits", polls_per_second=4.0)
    harness.drain()
    times = [at for at, _ in harness.provider.looks]
    assert world.jobs() == {"succeeded": 40}
    assert max(sum(1 for at in times if start <= at < start + 5) for start in times) <= 4 * 5 + 4


def test_a_raised_limit_is_polled_at_its_pace_where_the_configuration_names_none(harness, world):
    """Forty tasks under bronze's five looks a second would take eight seconds for each round."""
    names = frozenset({"concurrency", "submits_per_minute", "polls_per_second"})
    harness.change("limits", concurrency=2, submits_per_minute=2, polls_per_second=5.0, defaulted=names)
    world.limit(concurrency=300, submits_per_minute=500)
    world.run(40)
    harness.drain()
    times = [at for at, _ in harness.provider.looks]
    assert world.jobs() == {"succeeded": 40}
    assert max(sum(1 for at in times if start <= at < start + 1) for start in times) > 2 * 5


@pytest.mark.parametrize(
    ("ending", "job", "posts", "reason"),
    [
        (Ending(Status.FAILED, {"code": 1200, "error": "flagged"}), "failed", 1, "moderated"),
        (Ending(Status.FAILED, {"code": 5000}), "succeeded", 2, "provider_error"),
        (Ending(Status.TIMEOUT), "succeeded", 2, "provider_timeout"),
        (Ending(Status.CANCELLED), "failed", 1, "cancelled_by_provider"),
        (Ending(Status.DELETED), "failed", 1, "deleted_at_provider"),
        (Ending(Status.FAILED, {"code": 1402}), "failed", 1, "input_unreachable"),
    ],
    ids=["moderated", "5000", "timeout", "cancelled", "deleted", "1402"],
)
def test_how_a_task_that_ended_without_pictures_goes_on(harness, world, ending, job, posts, reason):
    world.run(1)
    harness.provider.next_endings.append(ending)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({job: 1}, posts)
    first = world.rows(attempts)[0]
    assert (first.state, first.reason) == ("failed", reason)
    world.check_money()


def test_failures_end_when_the_tries_are_used_up(harness, world):
    world.run(1, max_attempts=2)
    harness.provider.next_endings.extend([Ending(Status.FAILED, {"code": 5000})] * 5)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"failed": 1}, 2)


def test_completed_without_outputs_is_paid_for_and_never_bought_again_by_itself(harness, world):
    world.run(1)
    harness.provider.next_endings.append(Ending(Status.COMPLETED, {"outputs": ()}))
    harness.drain()
    assert (world.jobs(), world.account()[0]) == ({"failed": 1}, PRICE)
    assert (len(harness.provider.posts), world.rows(jobs)[0].reason) == (1, "no_outputs")


def test_a_failed_task_frees_its_money_at_once_when_told_so(harness, world):
    world.run(1)
    harness.change("budgets", on_failed="release")
    harness.provider.next_endings.append(Ending(Status.CANCELLED))
    harness.drain()
    assert world.rows(attempts)[0].reservation == "released"


def test_hosted_copies_the_provider_could_not_fetch_are_uploaded_afresh(harness, world, tmp_path):
    from hashlib import sha256

    from support.world import spec

    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    photo = LocalImage(path=str(path), sha256=sha256(b"picture").hexdigest(), bytes=7, media_type="image/png")
    params = {"prompt": "x", "images": ["a.png"], "num_images": 1}
    world.apply([spec(0, params=params, local_images={"a.png": photo})])
    harness.provider.next_endings.append(Ending(Status.FAILED, {"code": 1402}))
    harness.drain()
    assert (world.jobs(), len(harness.provider.uploads)) == ({"succeeded": 1}, 2)


def test_flags_reach_the_database_and_the_files(harness, world):
    world.run(1, images=2, price=2 * PRICE)
    harness.provider.next_endings.append(Ending(Status.COMPLETED, {"nsfw": (True,), "inference_ms": 1234}))
    harness.drain()
    assert [row.nsfw for row in world.outputs(1)] == [True, None]
    assert sorted([request.nsfw for request in harness.artifacts.requests], key=str) == [None, True]
    assert only(world).inference_ms == 1234


def test_observed_latencies_are_remembered_for_the_next_worker(harness, world):
    world.run(8)
    harness.drain()
    (row,) = world.rows(latencies)
    assert row.samples >= 5
    assert (
        9_000 <= row.p10_ms <= row.p95_ms <= 20_000
    )  # a task of 10 s, seen by looks before and after its end
