"""Everything in flight has an end and a voice: odd answers, tasks that never end, outputs that come late."""

import pytest
from support.provider import Ending
from support.signed import SIGNED
from support.times import HOUR
from support.world import PRICE

from orchestrator.actions.operator import resolve_doubt
from orchestrator.core.errors import NotFoundError, UsageError
from orchestrator.ports import FetchFault, Lost, Prediction, Rejected, Status
from orchestrator.store.account import rate_limits
from orchestrator.store.db.schema import attempts, events, jobs
from orchestrator.store.stops.attention import DOWNLOADS_FAILING, OVERDUE_TASKS, POLLS_FAILING, attention
from orchestrator.store.stops.outlook import outlook
from orchestrator.worker.pipeline.lateness import OVERDUE_POLL_SECONDS
from orchestrator.worker.pipeline.poll import EMPTY_MAX_MS
from orchestrator.worker.pipeline.troubles import SAME_SECONDS, WRITE_SECONDS

FLOOR = 900.0


def never_ends(harness, answer=None):
    """From its acceptance on, each poll is answered so; by default the task is said to run."""

    async def result(prediction_id):
        harness.provider.looks.append((harness.clock.monotonic(), prediction_id))
        return answer or Prediction(prediction_id, Status.RUNNING, "processing")

    harness.provider.result = result


def attentions(world):
    with world.database.read() as tx:
        return {stop.reason: stop for stop in attention(tx)}


def only(world):
    return world.rows(attempts)[-1]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, 'the provider says "processing"'),
        (Prediction("task1", Status.RUNNING, "warming_up", oddity='the status "warming_up"'), "warming_up"),
        (Rejected("HTTP 400: task not found", 400), "task not found"),
        (Lost("HTTP 500"), "HTTP 500"),
    ],
    ids=["runs", "unknown word", "refused", "unreadable"],
)
def test_a_task_that_never_ends_is_handed_to_a_person_and_no_longer_waited_for(harness, world, answer, told):
    world.run(1)
    never_ends(harness, answer)
    began = harness.clock.monotonic()
    harness.drain(limit_seconds=4 * HOUR)
    row = only(world)
    assert harness.clock.monotonic() - began >= FLOOR
    assert (row.state, row.overdue_at is not None) == ("in_flight", True)
    assert told in row.trouble
    assert (world.jobs(), world.account()) == ({"running": 1}, (0, PRICE, 0))
    stop = attentions(world)[OVERDUE_TASKS]
    assert (stop.until, "1 task is far older" in stop.message, told in stop.message) == (None, True, True)
    assert [event.kind for event in world.rows(events)].count("overdue") == 1


def test_a_slow_model_is_given_ten_times_what_its_slowest_tasks_take(harness, world):
    world.run(1)
    harness.deps().facts("m")
    harness.change("guards", overdue_seconds=10.0)
    never_ends(harness)
    began = harness.clock.monotonic()
    harness.drain(limit_seconds=HOUR)
    assert (
        harness.clock.monotonic() - began >= 10 * 4 * 10.0
    )  # the catalogue guesses 10 s, its p99 four times


def test_an_overdue_task_that_ends_after_all_is_collected_as_usual(harness, world):
    world.run(1)
    harness.provider.latency = 3 * HOUR
    harness.drain(limit_seconds=2 * HOUR)
    assert world.jobs() == {"running": 1}
    harness.clock.advance(4 * HOUR)
    harness.drain(limit_seconds=HOUR)
    row = only(world)
    assert (world.jobs(), row.overdue_at, row.trouble, row.trouble_count) == ({"succeeded": 1}, None, None, 0)
    assert attentions(world) == {}
    assert len(harness.provider.posts) == 1


def test_a_worker_that_starts_looks_once_at_an_overdue_task_and_waits_no_longer(harness, world):
    world.run(1)
    never_ends(harness)
    harness.drain(limit_seconds=2 * HOUR)
    looks, began = len(harness.provider.looks), harness.clock.monotonic()
    harness.drain(limit_seconds=HOUR)
    assert len(harness.provider.looks) >= looks + 1
    assert harness.clock.monotonic() - began < 60


def test_an_overdue_task_is_polled_slowly(harness, world):
    world.run(1)
    never_ends(harness)
    harness.run_for(2 * HOUR)
    times = [at for at, _ in harness.provider.looks if at - harness.provider.posts[0][0] > FLOOR + 60]
    assert 0.8 * HOUR / OVERDUE_POLL_SECONDS < len(times) < 2 * HOUR / OVERDUE_POLL_SECONDS


def test_an_overdue_task_keeps_its_slot_for_an_hour_and_then_frees_it(harness, world):
    world.run(1)
    never_ends(harness)
    harness.drain(limit_seconds=HOUR)

    def free():
        with world.database.write() as tx:
            return rate_limits.allowance(tx).slots

    assert free() == 49
    harness.clock.advance(HOUR)
    assert free() == 50


def test_an_overdue_task_is_given_up_by_a_person_and_its_money_counts_as_spent(harness, world):
    world.run(1)
    never_ends(harness)
    harness.drain(limit_seconds=HOUR)
    attempt_id = only(world).id
    with pytest.raises(UsageError, match="overdue, not in doubt"):
        resolve_doubt.absent(world.database, SIGNED, attempt_id)
    resolve_doubt.write_off(world.database, SIGNED, attempt_id)
    row = only(world)
    assert (row.state, row.reason, row.trouble) == ("failed", "written_off", None)
    assert (world.jobs(), world.account()) == ({"failed": 1}, (PRICE, 0, 0))
    with world.database.read() as tx:
        assert outlook(tx, "UTC").finished
    with pytest.raises(UsageError, match="nothing to decide"):
        resolve_doubt.write_off(world.database, SIGNED, attempt_id)
    with pytest.raises(NotFoundError):
        resolve_doubt.write_off(world.database, SIGNED, 4711)
    world.check_money()


def test_a_task_in_flight_that_is_not_overdue_cannot_be_written_off(harness, world):
    world.run(1)
    never_ends(harness)
    harness.run_for(60)
    with pytest.raises(UsageError, match="nothing to decide"):
        resolve_doubt.write_off(world.database, SIGNED, only(world).id)


def test_an_odd_answer_is_in_the_database_until_a_good_one_comes(harness, world):
    world.run(1)
    harness.provider.latency = 700.0
    harness.provider.next_looks.extend([Rejected("HTTP 400: task not found", 400)] * 12)
    seen = []

    def look(_stop):
        row = only(world)
        seen.append((row.trouble, row.trouble_count >= 3, set(attentions(world))))

    harness.run_for(650.0, (40.0, look), (600.0, look))
    assert seen == [("HTTP 400: task not found", True, {POLLS_FAILING}), (None, False, set())]


def test_downloads_that_fail_say_so_and_when_they_are_tried_again(harness, world):
    world.run(3)
    harness.artifacts.next_stores.extend([FetchFault.TRANSIENT] * 1000)
    harness.run_for(60.0)
    stop = attentions(world)[DOWNLOADS_FAILING]
    assert "the pictures of 3 jobs cannot be downloaded" in stop.message
    assert stop.until is not None
    assert all(row.trouble and row.next_try_at for row in world.rows(attempts))
    harness.artifacts.next_stores.clear()
    harness.drain()
    assert (world.jobs(), attentions(world)) == ({"succeeded": 3}, {})


def test_a_fault_that_repeats_itself_is_not_written_each_time(harness, world):
    world.run(1)
    harness.artifacts.next_stores.extend([FetchFault.TRANSIENT] * 10_000)
    harness.run_for(600.0)
    writes = harness.writer.calls.count("record")
    assert 2 <= writes <= 600 / SAME_SECONDS + 2
    assert WRITE_SECONDS < SAME_SECONDS


def test_outputs_that_come_late_are_waited_for(harness, world):
    world.run(1)
    empty = Prediction("task1", Status.COMPLETED, "completed")
    harness.provider.latency = 1.0
    harness.provider.next_looks.extend([empty] * 5)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


def test_a_task_without_outputs_is_looked_at_for_two_minutes_before_it_has_none(harness, world):
    world.run(1)
    harness.provider.next_endings.append(
        Ending(Status.COMPLETED, {"outputs": ("",), "oddity": "output 0 is an object with no URL (hate)"})
    )
    harness.drain()
    looks = [at for at, _ in harness.provider.looks]
    assert looks[-1] - looks[0] >= EMPTY_MAX_MS / 1000
    row = world.rows(jobs)[0]
    assert (row.state, row.reason, world.account()[0]) == ("failed", "no_outputs", PRICE)
    assert "no URL (hate)" in row.message


@pytest.mark.parametrize(
    ("policy", "unknown", "flag"),
    [
        ("quarantine", "quarantine", True),
        ("quarantine", "keep", None),
        ("keep", "quarantine", True),
        ("discard", "quarantine", None),
    ],
)
def test_a_flag_that_cannot_be_read_follows_the_settings_and_discards_nothing(
    harness, world, policy, unknown, flag
):
    world.run(1)
    harness.change("outputs", nsfw=policy, nsfw_unknown=unknown)
    harness.provider.next_endings.append(
        Ending(Status.COMPLETED, {"nsfw": (None,), "nsfw_unclear": frozenset({0})})
    )
    harness.drain()
    assert [row.nsfw for row in world.outputs(1)] == [flag]
