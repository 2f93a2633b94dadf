"""When replies keep getting lost the provider counts as down: nothing is sent for a while, then one
request tries."""

import pytest

from orchestrator.ports import Lost
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import jobs
from orchestrator.store.stops.stops import survey
from orchestrator.worker.guards.account_pauses import (
    DOWN_FIRST_SECONDS,
    DOWN_MAX_SECONDS,
    LOST_IN_A_ROW_MAX,
    LOST_MAX,
    OUTCOMES_WATCHED,
    AccountPauses,
)


@pytest.fixture
def troubles(harness):
    made = AccountPauses(harness.deps())

    def lose(count=1, seconds=0.0):
        for _ in range(count):
            harness.clock.advance(seconds)
            harness.run(made.lost("502"))

    made.lose = lose
    return made


def test_several_lost_in_a_row_over_some_time_open_it(harness, troubles):
    troubles.lose(LOST_IN_A_ROW_MAX - 1, seconds=1)
    assert harness.pauses() == set()
    troubles.lose(seconds=1)
    assert harness.pauses() == {"provider_down"}


def test_a_burst_of_requests_sent_together_does_not_open_it_by_its_broken_ones(harness, troubles):
    troubles.lose(LOST_MAX - 1)
    assert harness.pauses() == set()
    troubles.lose()
    assert harness.pauses() == {"provider_down"}


def test_what_comes_back_lost_while_it_is_open_makes_it_no_longer(harness, troubles):
    troubles.lose(LOST_MAX + 20)
    with harness.world.database.read() as tx:
        (pause,) = pauses.in_force(tx)
    assert pause.until - harness.clock.now_ms() <= DOWN_FIRST_SECONDS * 1000


def test_half_of_the_last_replies_lost_open_it_even_between_good_ones(harness, troubles):
    for _ in range(LOST_MAX - 1):
        troubles.lose(seconds=1)
        troubles.accepted()
    assert harness.pauses() == set()
    troubles.lose(seconds=1)
    assert harness.pauses() == {"provider_down"}


def test_a_small_share_of_lost_replies_never_opens_it(harness, troubles):
    for _ in range(50):
        troubles.lose(seconds=1)
        for _ in range(3):
            troubles.accepted()
    assert OUTCOMES_WATCHED / 4 < LOST_MAX
    assert harness.pauses() == set()


def test_each_opening_lasts_longer_up_to_a_bound_and_ends_by_itself(harness, troubles):
    troubles.lose(LOST_IN_A_ROW_MAX, seconds=1)
    lengths = []
    for _ in range(12):
        with harness.world.database.read() as tx:
            (row,) = survey(tx, "UTC").stops
        lengths.append((row.until - harness.clock.now_ms()) / 1000)
        harness.clock.advance(lengths[-1])
        assert harness.pauses() == set()
        troubles.lose()
    assert DOWN_FIRST_SECONDS / 2 <= lengths[0] <= DOWN_FIRST_SECONDS
    assert DOWN_MAX_SECONDS / 2 <= lengths[-1] <= DOWN_MAX_SECONDS


def test_a_success_closes_it(harness, troubles):
    troubles.lose(LOST_IN_A_ROW_MAX, seconds=1)
    assert troubles.probing
    troubles.accepted()
    assert not troubles.probing
    troubles.lose(seconds=1)
    harness.clock.advance(DOWN_MAX_SECONDS)
    assert harness.pauses() == set()


def test_after_an_opening_one_request_at_a_time_is_sent_until_one_is_answered(
    harness, sqlite_world, provider
):
    """The probe takes 30 s to be answered; nothing else leaves meanwhile."""
    sqlite_world.run(20, max_attempts=1)
    harness.change("in_doubt", settle_seconds=5.0)
    harness.change("limits", submits_per_minute=6)
    down_until = 300.0
    out = []

    async def submit(model, inputs, *, webhook=None, still_valid=None):
        began = harness.clock.monotonic()
        provider.posts.append((began, inputs))
        out.append(began)
        await harness.clock.sleep(30.0 if len(provider.posts) > 5 else 0.5)
        if began < down_until:
            out.remove(began)
            return Lost("502")
        at_once.append(len(out))
        out.remove(began)
        return await normal(model, inputs)

    at_once, normal = [], super(type(provider), provider).submit
    provider.submit = submit
    harness.drain()
    probes = [at for at, _ in provider.posts if 100 < at < down_until]
    assert probes
    assert all(later - earlier >= 30 for earlier, later in zip(probes, probes[1:], strict=False))
    assert sqlite_world.jobs() == {"succeeded": 20}
    assert {row.tries_left for row in sqlite_world.rows(jobs)} == {1}


def test_a_pause_says_since_when_why_and_until_when(harness, troubles):
    troubles.lose(LOST_IN_A_ROW_MAX, seconds=1)
    with harness.world.database.read() as tx:
        (row,) = survey(tx, "UTC").stops
    assert (row.scope, row.reason, row.since) == ("account", "provider_down", harness.clock.now_ms())
    assert "502" in row.message
    assert row.until > row.since
