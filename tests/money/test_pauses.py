"""Every pause ends by itself where it says so, costs no job a try, and takes no money."""

import pytest
from support.world import PRICE

from orchestrator.ports import Balance, KeyRefused, NoCredit, NotSent, Throttled
from orchestrator.store.db.schema import jobs
from orchestrator.store.stops.stops import survey

ANSWERS = {
    "throttled": Throttled(20.0, "slow down"),
    "unreachable": NotSent("connection refused"),
    "key_refused": KeyRefused("invalid key", 401),
    "no_credit": NoCredit("insufficient credits"),
}
BY_TIME = {"throttled", "unreachable"}


@pytest.mark.parametrize("reason", sorted(ANSWERS))
def test_a_pause_tells_since_when_why_and_until_when_ends_and_costs_no_try(
    harness, sqlite_world, provider, reason
):
    sqlite_world.run(3, max_attempts=1)
    harness.change("limits", concurrency=1)
    provider.next_submits.append(ANSWERS[reason])
    provider.balance_outcome = NotSent("unknown")
    told = []

    def look(_stop):
        with sqlite_world.database.read() as tx:
            told.extend(survey(tx, "UTC").stops)

    harness.run_for(
        300, (0.45, look), (60, lambda _stop: setattr(provider, "balance_outcome", Balance(5_000_000)))
    )
    row = told[0]
    assert (row.scope, row.reason) == ("account", reason)
    assert row.message
    assert row.since <= harness.clock.now_ms()
    assert (row.until is not None) is (reason in BY_TIME)
    assert (harness.pauses(), sqlite_world.jobs()) == (set(), {"succeeded": 3})
    assert {job.tries_left for job in sqlite_world.rows(jobs)} == {1}
    assert sqlite_world.account() == (3 * PRICE, 0, 0)


def test_a_full_disk_stops_buying_until_it_takes_files_again(harness, sqlite_world, provider, artifacts):
    sqlite_world.run(20, max_attempts=1)
    harness.change("limits", submits_per_minute=2)
    seen = []

    def fill(_stop):
        artifacts.unwritable = "No space left on the device."

    def empty(_stop):
        seen.append((len(provider.posts), harness.pauses()))
        artifacts.unwritable = None

    harness.run_for(900, (5, fill), (300, empty))
    posts, pauses = seen[0]
    assert pauses == {"storage"}
    assert posts <= 4
    assert sqlite_world.jobs() == {"succeeded": 20}
    assert {job.tries_left for job in sqlite_world.rows(jobs)} == {1}
