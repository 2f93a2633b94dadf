"""While the list cannot be read nothing is sent, and a drain that cannot go on ends and says so."""

import pytest

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import Lost
from orchestrator.worker.upkeep import upkeep


def test_a_list_that_cannot_be_read_stops_spending_until_it_can(harness, sqlite_world, provider):
    sqlite_world.run(1)
    harness.drain()
    sqlite_world.run(1, run_key="second")
    provider.list_answer = Lost("502")
    seen = []
    harness.run_for(
        200,
        (100, lambda _stop: seen.append((len(provider.posts), harness.pauses()))),
        (101, lambda _stop: setattr(provider, "list_answer", None)),
    )
    assert seen == [(1, {"list_unreadable"})]
    assert (len(provider.posts), harness.pauses()) == (2, set())


def test_a_worker_that_has_not_read_the_list_yet_sends_nothing_although_the_pause_has_run_out(
    harness, sqlite_world, provider, monkeypatch
):
    """A process that slept, or whose database was away, finds the pause over before it can renew it."""
    sqlite_world.run(1)
    harness.drain()
    sqlite_world.run(1, run_key="second")
    provider.list_answer = Lost("502")
    monkeypatch.setattr(upkeep, "UPKEEP_SECONDS", 60.0)
    harness.run_for(300)
    assert len(provider.posts) == 1
    provider.list_answer = None
    harness.run_for(300)
    assert len(provider.posts) == 2


@pytest.mark.usefixtures("often_idle")
def test_a_draining_worker_whose_list_stays_unreadable_ends_and_says_so(harness, sqlite_world, provider):
    sqlite_world.run(1)
    harness.drain()
    sqlite_world.run(1, run_key="second")
    provider.list_answer = Lost("502")
    with pytest.raises(OperatorNeededError, match="list cannot be read.* for ten minutes"):
        harness.drain(limit_seconds=3600)
    assert (len(provider.posts), harness.pauses()) == (1, {"list_unreadable"})
    provider.list_answer = None
    harness.drain(limit_seconds=3600)
    assert sqlite_world.jobs() == {"succeeded": 2}


@pytest.mark.parametrize("what", ["list_answer", "bill_answer"])
def test_a_draining_worker_ends_when_a_doubt_cannot_be_looked_into(
    harness, sqlite_world, provider, lost_replies, what
):
    sqlite_world.run(1)
    claimed, _ = lost_replies.lose(created=False)
    setattr(provider, what, Lost("502"))
    with pytest.raises(OperatorNeededError, match="in-doubt list.* for ten minutes"):
        harness.drain(limit_seconds=3600)
    assert lost_replies.state(claimed)[0] == "in_doubt"
    setattr(provider, what, None)
    harness.drain(limit_seconds=3600)
    assert sqlite_world.jobs() == {"succeeded": 1}
