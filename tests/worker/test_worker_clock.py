"""Nothing is bought by a clock that is far off the provider's; one that is a little off hides nothing."""

import pytest
from support.world import PRICE

from orchestrator.core.errors import ExitCode, OperatorNeededError
from orchestrator.core.provider_clock import DatedBy
from orchestrator.ports import Balance, Lost
from orchestrator.store.db.schema import workers

DAY_MS = 86_400_000


@pytest.fixture
def dated(harness):
    """Every answer about the balance bears a date, so many milliseconds beyond our clock; what was asked."""
    asked = []

    def at(*ahead_ms):
        async def balance():
            now, ahead = harness.deps().moment(), ahead_ms[min(len(asked), len(ahead_ms) - 1)]
            asked.append(ahead)
            shown = (now.wall_ms + ahead) // 1000 * 1000
            harness.provider_clock.note(DatedBy.ANSWER, shown, sent=now, received=now)
            return Balance(1_000_000_000)

        harness.provider.balance = balance
        return asked

    return at


@pytest.mark.parametrize("drain", [True, False])
@pytest.mark.parametrize("ahead_ms", [-400 * DAY_MS, -600_000, 600_000])
def test_a_clock_that_is_far_off_buys_nothing_and_says_so(harness, world, dated, ahead_ms, drain):
    world.run(2)
    dated(ahead_ms)
    with pytest.raises(OperatorNeededError, match="Nothing is bought, .*Set the clock") as error:
        harness.drain() if drain else harness.run_for(60)
    assert error.value.exit_code == ExitCode.OPERATOR
    assert ("behind" if ahead_ms > 0 else "ahead of") in str(error.value)
    assert (harness.provider.posts, world.jobs()) == ([], {"pending": 2})


def test_one_answer_with_another_date_is_asked_about_again_and_stops_nothing(harness, world, dated):
    world.run(1)
    asked = dated(7 * DAY_MS, 0, 0, 0)
    harness.drain()
    assert (world.jobs(), len(asked)) == ({"succeeded": 1}, 4)


def test_a_clock_within_the_bound_is_not_asked_about_again(harness, world, dated):
    world.run(1)
    asked = dated(170_000)
    harness.drain()
    assert (world.jobs(), len(asked)) == ({"succeeded": 1}, 1)


def test_a_bound_of_null_watches_nothing(harness, world, dated):
    world.run(1)
    dated(-600_000)
    harness.change("guards", clock_skew_seconds=None)
    harness.drain()
    assert world.jobs() == {"succeeded": 1}


def test_a_clock_that_is_set_wrongly_on_the_way_ends_buying_and_what_is_bought_is_collected(harness, world):
    world.run(30)
    harness.change("limits", concurrency=2)

    def wrong(_stop):
        harness.provider.ahead_ms = 900_000

    with pytest.raises(OperatorNeededError, match="behind the provider's. Nothing more is bought, and"):
        harness.run_for(600, (25, wrong))
    done = world.jobs()
    assert done["succeeded"] == len(harness.provider.posts) < 30
    assert done.keys() == {"succeeded", "pending"}


def test_a_worker_records_how_far_it_measured_the_clocks_to_be_apart(harness, world):
    world.run(3)
    harness.provider.ahead_ms = 42_000
    harness.run_for(120)
    (row,) = world.rows(workers)
    assert row.clock_offset_ms == pytest.approx(42_000, abs=1_000)


@pytest.mark.parametrize("ahead_ms", [-150_000, 0, 150_000])
def test_a_measured_clock_tells_doubts_of_the_same_minute_apart(harness, sqlite_world, ahead_ms):
    """With windows as wide as clocks may differ, all three would be one case for a person."""
    provider = harness.provider
    provider.ahead_ms, provider.shows_inputs = ahead_ms, False
    harness.change("in_doubt", settle_seconds=2)
    sqlite_world.run(12)
    harness.change("limits", concurrency=1)
    sent, lost = provider.submit, {3, 6, 9}

    async def submit(*args, **more):
        outcome = await sent(*args, **more)
        return Lost("HTTP 500", answered=True) if len(provider.posts) in lost else outcome

    provider.submit = submit
    harness.drain(limit_seconds=3600)
    assert sqlite_world.jobs() == {"succeeded": 12}
    assert len(provider.posts) == 12
    assert sqlite_world.account() == (12 * PRICE, 0, 0)
