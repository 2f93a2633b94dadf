"""What the bill teaches of prices: few requests go ahead of a price that it has not shown, a dearer one is
noticed within seconds, and nothing more is bought at the old one."""

from itertools import pairwise

import pytest
from support.world import MODEL, PRICE

from orchestrator.ports import Lost, Rejected
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import attempts
from orchestrator.store.money import price_lessons
from orchestrator.worker.guards import price_proof
from orchestrator.worker.guards.price_proof import FIRST, STEP_SECONDS
from orchestrator.worker.upkeep import price_watch

DAY_SECONDS = 86_400
HUGE = 100 * PRICE


@pytest.fixture
def charges(provider):
    """Charge every task so much, whatever the quote says."""

    def charge(micros):
        provider.charged = lambda task: provider.charges.get(task.id, micros)

    return charge


def accept(world):
    """What a person does who agrees."""
    with world.database.read() as tx:
        (pause,) = pauses.in_force(tx)
    with world.database.write() as tx:
        assert price_lessons.agree(tx, pause.name)


def test_a_bill_at_twice_the_quote_is_noticed_after_the_first_pictures(
    harness, sqlite_world, provider, charges
):
    sqlite_world.run(60)
    sqlite_world.cap(30 * PRICE)
    charges(2 * PRICE)
    harness.drain()
    assert len(provider.posts) == FIRST
    assert harness.pauses() == {"price_drift"}
    assert any("task1 was billed $0.056, held $0.028" in notice for notice in harness.notices)


def test_what_goes_on_after_a_person_has_agreed_holds_the_billed_price_and_the_cap(
    harness, sqlite_world, provider, charges
):
    sqlite_world.run(60)
    sqlite_world.cap(30 * PRICE)
    charges(2 * PRICE)
    harness.drain()
    accept(sqlite_world)
    harness.drain()
    sqlite_world.clock.advance(60)
    harness.run_for(120)
    held = {
        row.price_micros for row in sqlite_world.rows(attempts) if row.id > 2 * FIRST and row.submitted_at
    }
    assert held == {2 * PRICE}
    assert len(provider.posts) == 15
    assert sqlite_world.account() == (30 * PRICE, 0, 0)


def test_a_price_that_the_bill_has_shown_holds_up_nobody(harness, sqlite_world, provider):
    sqlite_world.run(30)
    harness.drain()
    times = [at for at, _ in provider.posts]
    assert len(times) == 30
    assert times[-1] - times[0] < 0.3


def test_the_bill_is_asked_at_once_and_then_left_alone_for_a_while(
    harness, sqlite_world, provider, monkeypatch
):
    asked, bill_all = [], price_watch.bill_all

    async def noting(source, clock, **window):
        asked.append(clock.monotonic())
        return await bill_all(source, clock, **window)

    monkeypatch.setattr(price_watch, "bill_all", noting)
    provider.bill_lag = 3600.0
    sqlite_world.run(60)
    harness.run_for(40)
    assert asked[0] - provider.posts[0][0] < 0.1
    pauses_between = [after - before for before, after in pairwise(asked)]
    assert min(pauses_between) >= price_watch.ASKED_REST_SECONDS


def test_a_price_that_was_shown_within_a_day_needs_no_new_proof(harness, sqlite_world, provider):
    sqlite_world.run(1)
    harness.drain()
    sqlite_world.clock.advance(DAY_SECONDS - 600)
    provider.posts.clear()
    provider.bill_answer = Lost("502")
    sqlite_world.run(20, run_key="next")
    harness.drain()
    times = [at for at, _ in provider.posts]
    assert times[-1] - times[0] < STEP_SECONDS


def test_a_bill_that_shows_nothing_lets_twice_as_many_go_every_while(harness, sqlite_world, provider):
    sqlite_world.run(20)
    provider.bill_lag = 3600.0
    harness.run_for(60)
    began = provider.posts[0][0]
    by = [sum(at - began < step * STEP_SECONDS - 1 for at, _ in provider.posts) for step in (1, 2, 3, 4)]
    assert by == [FIRST, 2 * FIRST, 4 * FIRST, 20]


def test_a_bill_that_the_key_may_not_read_holds_up_nobody(harness, sqlite_world, provider):
    sqlite_world.run(20)
    provider.bill_answer = Rejected("not for this key", 403)
    harness.run_for(30)
    times = [at for at, _ in provider.posts]
    assert (len(times), times[-1] - times[0] < STEP_SECONDS) == (20, True)


def test_requests_that_create_nothing_hold_no_place(harness, sqlite_world, provider):
    sqlite_world.run(20)
    provider.next_submits.extend([Rejected("no", 400)] * (2 * FIRST))
    harness.run_for(STEP_SECONDS)
    assert len(provider.posts) == 20


def test_a_price_that_changes_while_a_worker_runs_is_noticed_by_a_sample(
    harness, sqlite_world, provider, charges
):
    sqlite_world.run(600)
    harness.change("limits", concurrency=1)
    changed = []

    def rise(_stop):
        charges(2 * PRICE)
        provider.charges.update(dict.fromkeys(provider.tasks, PRICE))
        changed.append(len(provider.posts))

    harness.run_for(400, (200, rise))
    assert harness.pauses() == {"price_drift"}
    assert len(provider.posts) - changed[0] <= price_watch.SAMPLE_SECONDS // provider.latency + 2


def test_a_charge_that_need_not_be_a_price_stops_the_model_until_a_person_agrees(
    harness, sqlite_world, provider, charges
):
    sqlite_world.run(10)
    charges(HUGE)
    harness.drain()
    assert len(provider.posts) == FIRST
    assert harness.pauses() == {"bill_drift"}
    harness.drain()  # no start of a worker ends it
    assert (len(provider.posts), harness.pauses()) == (FIRST, {"bill_drift"})


def test_what_was_bought_before_a_person_agreed_stops_nothing_again(harness, sqlite_world, provider, charges):
    sqlite_world.run(3)
    charges(HUGE)
    harness.drain()
    accept(sqlite_world)
    sqlite_world.clock.advance(60)
    harness.run_for(120)
    assert harness.pauses() == set()


def test_a_cheaper_bill_stops_nobody(harness, sqlite_world, provider, charges):
    sqlite_world.run(30)
    charges(PRICE // 2)
    harness.drain()
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 30}, set())


def test_a_bill_in_a_smaller_unit_is_told_and_stops_nobody(harness, sqlite_world, provider, charges):
    sqlite_world.run(30)
    charges(PRICE // 100)
    harness.run_for(200)
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 30}, set())
    assert sqlite_world.account() == (30 * PRICE, 0, 0)
    assert any("a change of unit?" in notice for notice in harness.notices)


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), OSError("disk")])
def test_no_trouble_with_the_price_watch_ends_a_worker(harness, sqlite_world, provider, monkeypatch, error):
    def samples(*_args):
        raise error

    monkeypatch.setattr(price_lessons, "samples", samples)
    sqlite_world.run(20)
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 20}


def test_several_workers_learn_from_one_look(harness, sqlite_world, provider):
    sqlite_world.run(1)
    harness.drain()
    with sqlite_world.database.read() as tx:
        since = tx.now - price_proof.PROVEN_MS
        (row,) = sqlite_world.rows(attempts)
        known = price_lessons.standing(tx, MODEL, PRICE, since=since, percent=1.0)
        other = price_lessons.standing(tx, MODEL, 2 * PRICE, since=since, percent=1.0)
    assert (row.billed_micros, known, other) == (PRICE, True, None)
