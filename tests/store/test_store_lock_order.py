"""Transactions that meet over several rows take them in one order, so that neither has to be given up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.artifacts import picture
from support.times import FakeEntropy
from support.world import MODEL, PRICE, World, run_spec

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.account import rate_limits, rate_window
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.claiming import claim, selection, staging
from orchestrator.store.db import dialect
from orchestrator.store.db.schema import QuoteSource, attempts
from orchestrator.store.money import quotes
from orchestrator.store.runs import jobs, run_lanes, runs

A_MOMENT_SECONDS = 0.2
"""Long enough for the other to have come to its lock."""


@pytest.fixture
def worlds(world, open_database, clock):
    """Two worlds on one server, each with connections of its own."""
    if world.database.url.get_backend_name() == "sqlite":
        pytest.skip("a file has one writer at a time")
    return world, World(open_database(), clock, FakeEntropy(2))


class Meeting:
    """Two transactions: the second begins when the first has come to a place, where it stays for a moment."""

    def __init__(self) -> None:
        self._there, self._begun = threading.Event(), threading.Event()

    def pause(self) -> None:
        """In the first, at its place; only once."""
        if not self._there.is_set():
            self._there.set()
            assert self._begun.wait(10)
            threading.Event().wait(A_MOMENT_SECONDS)

    def hold(self, first, second) -> None:
        """Both to their ends; raises what either raised."""

        def later():
            assert self._there.wait(10)
            second(self._begun.set)

        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(first), pool.submit(later)]:
                each.result(30)


def give_back(held):
    return endings.GiveBack(
        attempt_id=held.attempt_id,
        epoch=held.epoch,
        event=AttemptEvent.RELEASED,
        delay_ms=0,
        reason="released",
        message="given back",
    )


def test_a_claim_that_closes_lanes_and_a_group_that_opens_them(worlds, monkeypatch):
    world, other = worlds
    world.run(1, name="low", priority=1)
    world.run(1, name="high", priority=9)
    both = world.claim(2)
    meeting, close = Meeting(), selection._close_if_idle

    def close_and_pause(tx, lane_id):
        close(tx, lane_id)
        meeting.pause()

    monkeypatch.setattr(selection, "_close_if_idle", close_and_pause)

    def open_both(begun):
        with other.database.write() as tx:
            endings.give_back(tx, [give_back(held) for held in both])
            begun()

    meeting.hold(lambda: world.claim(2), open_both)
    assert len(world.claim(2)) == 2


def test_a_group_that_learns_a_price_and_claims_and_a_claim_that_opens_lanes(worlds, monkeypatch):
    world, other = worlds
    world.run(2)
    waits = world.lease()
    world.give_back(waits, delay_ms=1)
    world.clock.advance(1)
    meeting, set_prices = Meeting(), quotes._set_prices

    def set_and_pause(tx, lane_ids, price):
        set_prices(tx, lane_ids, price)
        meeting.pause()

    monkeypatch.setattr(quotes, "_set_prices", set_and_pause)

    def learn_and_claim():
        with world.database.write() as tx:
            seen = quotes.Seen(
                model=MODEL,
                digest=f"list:{PRICE}",
                price_micros=PRICE // 2,
                source=QuoteSource.QUOTE,
                asked_at=tx.now,
            )
            quotes.learn(tx, seen, drift_percent=1.0)
            claim.claim(tx, [world.request(1)])

    def claim_what_is_due(begun):
        with other.database.write() as tx:
            begun()
            claim.claim(tx, [other.request(1, worker="w2")])

    meeting.hold(learn_and_claim, claim_what_is_due)
    assert {row.price_micros for row in world.rows(attempts) if row.finished_at is None} == {PRICE // 2}


def test_an_apply_and_a_group_that_counts_pictures_and_opens_lanes(worlds, monkeypatch):
    world, other = worlds
    world.run(3)
    done, back = world.until(AttemptState.FETCHING), world.lease()
    meeting, open_lanes = Meeting(), run_lanes._open_lanes

    def open_and_pause(tx, changes):
        open_lanes(tx, changes)
        meeting.pause()

    monkeypatch.setattr(run_lanes, "_open_lanes", open_and_pause)

    def end_both():
        with world.database.write() as tx:
            endings.finish(tx, [outputs.Finish(done.attempt_id, done.epoch, ((0, picture()),))])
            endings.give_back(tx, [give_back(back)])

    def apply(begun):
        with other.database.write() as tx:
            begun()
            runs.ensure_run(tx, run_spec())

    meeting.hold(end_both, apply)
    world.check_money()


def test_a_claim_that_makes_jobs_ready_and_a_cancel(worlds, monkeypatch):
    world, other = worlds
    world.run(2)
    first, second = world.claim(2)
    world.give_back(second, delay_ms=10)
    world.give_back(first, delay_ms=20)
    world.clock.advance(1)
    meeting, run_many = Meeting(), dialect.run_many

    def stage_one_by_one(conn, statement, rows):
        if statement is not staging._STAGE:
            return run_many(conn, statement, rows)
        counts = []
        for row in rows:
            counts.append(run_many(conn, statement, [row]))
            meeting.pause()
        return sum(counts)

    monkeypatch.setattr(dialect, "run_many", stage_one_by_one)

    def cancel(begun):
        with other.database.write() as tx:
            begun()
            jobs.cancel(tx, [first.job_id, second.job_id])

    meeting.hold(lambda: world.claim(2), cancel)
    world.check_money()


def test_a_renewal_that_waits_while_the_last_submission_is_granted_does_not_go_for_free(worlds, monkeypatch):
    world, other = worlds
    world.run(2)
    world.limit(submits_per_minute=1)
    held = world.lease()
    world.clock.advance_ms(rate_window.WINDOW_MS + rate_window.ANSWERED_WITHIN_MS)
    allowance, claimed = rate_limits.allowance, []

    def after_another_claim(tx):
        if not claimed:
            claimed.append(None)  # the other's own look comes here too
            world.clock.advance_ms(2 * rate_window.BUCKET_MS)
            claimed.extend(other.claim(1, "w2"))
        return allowance(tx)

    monkeypatch.setattr(rate_limits, "allowance", after_another_claim)
    with world.database.write() as tx:
        answers = lifecycle.begin_submit(tx, [lifecycle.BeginSubmit(held.attempt_id, held.epoch)])
    assert len(claimed) == 2, "the other has the one submission of this minute"
    assert answers == [lifecycle.Send.WAIT]
