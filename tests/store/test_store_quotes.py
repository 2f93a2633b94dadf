"""A live price reaches the lanes of jobs that wait at once, and a dearer one waits for a person."""

import pytest
from support.world import MODEL, PRICE, spec

from orchestrator.core.states import AttemptState
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import QuoteSource, lanes
from orchestrator.store.db.schema import quotes as quote_rows
from orchestrator.store.money import prices as prices_of
from orchestrator.store.money import quotes
from orchestrator.store.runs import adding
from orchestrator.store.runs.new_jobs import encode

HALF = PRICE // 2
DIGEST = f"list:{PRICE}"


def learn(world, micros, *, digest=DIGEST, source=QuoteSource.QUOTE, at=None, account="key", drift=1.0):
    with world.database.write() as tx:
        seen = quotes.Seen(
            model=MODEL,
            digest=digest,
            price_micros=micros,
            source=source,
            asked_at=tx.now if at is None else at,
            list_micros=PRICE,
            account=account,
        )
        return quotes.learn(tx, seen, drift_percent=drift)


def accept(world):
    with world.database.write() as tx:
        return quotes.accept(tx, MODEL)


def paused(world):
    with world.database.read() as tx:
        return {(pause.scope, pause.name, pause.reason) for pause in pauses.in_force(tx)}


def prices(world):
    return {row.price_digest: row.price_micros for row in world.rows(lanes)}


def test_a_cheaper_price_counts_at_once_for_jobs_that_wait_so_that_more_fit_under_a_cap(world):
    world.run(10)
    world.cap(4 * PRICE)
    learned = learn(world, HALF)
    assert (learned.price_micros, learned.moved, learned.drifted) == (HALF, 1, False)
    assert len(world.claim()) == 8
    assert world.account() == (0, 8 * HALF, 0)


@pytest.mark.parametrize(
    ("age_ms", "left_ms"), [(0, 120_000), (119_000, 1_000), (120_000, 0), (-5_000, 125_000), (-5_001, 0)]
)
def test_a_quote_counts_by_its_age_and_one_from_the_future_not_at_all(world, age_ms, left_ms):
    world.run(1)
    with world.database.read() as tx:
        now = tx.now
    learn(world, HALF, at=now - age_ms)
    with world.database.read() as tx:
        assert prices_of.stands_ms(tx, MODEL, DIGEST, account="key") == left_ms
        assert prices_of.stands_ms(tx, MODEL, DIGEST, account="another key") == 0
        assert prices_of.stands_ms(tx, MODEL, "another", account="key") == 0


def test_a_bill_is_no_quote_for_a_question_without_an_answer(world):
    world.run(1)
    learn(world, HALF, source=QuoteSource.BILL)
    with world.database.read() as tx:
        assert prices_of.stands_ms(tx, MODEL, DIGEST, account="key") == 0


def test_a_price_that_is_told_ends_the_pause_for_one_that_was_not(world):
    world.run(1)
    with world.database.write() as tx:
        pauses.begin(tx, pauses.Pause("model", MODEL, prices_of.PRICE_UNANSWERED, message="no answer"))
    learn(world, PRICE, source=QuoteSource.BILL)
    assert paused(world)
    learn(world, PRICE)
    assert not paused(world)


def test_a_job_that_runs_keeps_what_it_holds_when_the_price_changes(world):
    world.run(2)
    held = world.until(AttemptState.IN_FLIGHT)
    learn(world, HALF)
    assert world.attempt(held).price_micros == PRICE
    world.complete(held)
    world.finish(held)
    assert world.account() == (PRICE, 0, 0)


def test_a_dearer_price_within_the_drift_counts_without_a_stop(world):
    world.run(1)
    assert not learn(world, PRICE + 280).drifted
    assert (prices(world), paused(world)) == ({DIGEST: PRICE + 280}, set())


def test_a_dearer_price_beyond_the_drift_pauses_the_model_and_holds_nothing(world):
    world.run(1)
    learned = learn(world, 2 * PRICE)
    assert (learned.drifted, learned.planned_micros) == (True, PRICE)
    assert (prices(world), paused(world)) == ({DIGEST: PRICE}, {("model", MODEL, "price_drift")})
    assert world.claim() == ()


def test_an_accepted_price_counts_for_all_that_waits_and_does_not_stop_again(world):
    world.run(1)
    world.run(1, run_key="other")
    learn(world, 2 * PRICE)
    (accepted,) = accept(world)
    assert (accepted.old_micros, accepted.new_micros, accepted.lanes) == (PRICE, 2 * PRICE, 2)
    assert not learn(world, 2 * PRICE).drifted
    assert paused(world) == set()
    assert {attempt.price_micros for attempt in world.claim()} == {2 * PRICE}


def test_a_price_that_falls_again_ends_the_pause_by_itself(world):
    world.run(1)
    learn(world, 2 * PRICE)
    learn(world, PRICE)
    assert paused(world) == set()


def test_a_price_that_returns_to_what_was_planned_after_a_discount_stops_nobody(world):
    world.run(1)
    learn(world, HALF)
    assert not learn(world, PRICE).drifted
    assert prices(world) == {DIGEST: PRICE}


def test_small_steps_do_not_add_up_beyond_what_was_agreed(world):
    world.run(1)
    assert not learn(world, PRICE + 200).drifted
    assert learn(world, PRICE + 400).drifted


def test_a_dearer_price_of_jobs_that_are_all_over_stops_nobody(world):
    world.run(1)
    world.until(AttemptState.SUCCEEDED)
    assert not learn(world, 2 * PRICE).drifted
    assert paused(world) == set()


def test_an_older_answer_never_replaces_a_newer_one(world):
    world.run(1)
    now = world.clock.now_ms()
    learn(world, HALF, at=now)
    assert learn(world, PRICE, at=now - 1).price_micros == HALF
    assert prices(world) == {DIGEST: HALF}


def test_of_two_keys_with_different_prices_the_dearer_one_counts_whoever_asks_last(world):
    world.run(1)
    learn(world, HALF, account="discounted")
    for account, micros in (("full", PRICE), ("discounted", HALF), ("full", PRICE)):
        assert learn(world, micros, account=account).price_micros == PRICE


def test_the_price_of_a_key_that_is_used_no_more_is_forgotten_after_an_hour(world):
    world.run(1)
    learn(world, PRICE, account="old")
    world.clock.advance(prices_of.LIVES_MS / 1000 + 1)
    assert learn(world, HALF, account="new").price_micros == HALF


def test_a_bill_that_is_dearer_than_the_quotes_counts_until_the_next_bill(world):
    world.run(1)
    assert learn(world, PRICE + 200, source=QuoteSource.BILL).price_micros == PRICE + 200
    world.clock.advance(2 * prices_of.LIVES_MS / 1000)
    assert learn(world, PRICE).price_micros == PRICE + 200
    assert learn(world, PRICE, source=QuoteSource.BILL).price_micros == PRICE


def test_a_cheaper_answer_that_came_late_takes_back_no_bill(world):
    world.run(2)
    asked_at = world.clock.now_ms()
    learn(world, HALF)
    learn(world, PRICE, source=QuoteSource.BILL, account="")
    world.clock.advance(2 * 3600)
    assert learn(world, HALF, at=asked_at).price_micros == PRICE
    assert prices(world) == {DIGEST: PRICE}


def test_inputs_with_one_list_price_and_different_discounts_are_held_each_at_its_own(world):
    world.apply([spec(1, price_digest="1k"), spec(2, price_digest="2k"), spec(3, price_digest="2k")])
    learn(world, HALF, digest="2k")
    assert prices(world) == {"1k": PRICE, "2k": HALF}
    assert sorted(attempt.price_micros for attempt in world.claim()) == [HALF, HALF, PRICE]


def test_a_dearer_price_that_was_shown_for_a_run_is_agreed_to_for_what_waits_in_it(world):
    stored = world.run(1)
    with world.database.write() as tx:
        quotes.agree(tx, stored.id, {DIGEST: 2 * PRICE})
    (lane,) = world.rows(lanes)
    assert (lane.list_micros, lane.planned_micros, lane.price_micros) == (PRICE, 2 * PRICE, 2 * PRICE)
    assert not learn(world, 2 * PRICE).drifted


def test_a_cheaper_price_that_was_shown_takes_back_nothing_that_was_agreed_to(world):
    stored = world.run(1)
    with world.database.write() as tx:
        quotes.agree(tx, stored.id, {DIGEST: HALF})
    assert not learn(world, PRICE).drifted


def test_new_jobs_are_held_at_the_price_that_was_shown(world):
    stored = world.run(0)
    with world.database.write() as tx:
        adding.add_encoded(tx, stored, [encode(spec(7))], agreed={DIGEST: HALF})
    assert {attempt.price_micros for attempt in world.claim()} == {HALF}


def test_an_accepted_price_counts_for_jobs_that_are_planned_later(world):
    world.run(1)
    learn(world, 2 * PRICE)
    accept(world)
    with world.database.read() as tx:
        assert prices_of.accepted(tx, MODEL, DIGEST) == 2 * PRICE


def test_a_price_can_be_accepted_long_after_it_was_asked_for(world):
    world.run(1)
    learn(world, 2 * PRICE)
    world.clock.advance(5 * prices_of.LIVES_MS / 1000)
    assert [price.new_micros for price in accept(world)] == [2 * PRICE]


@pytest.mark.parametrize("source", [QuoteSource.QUOTE, QuoteSource.BILL])
def test_what_is_learned_is_kept_by_source_and_key(world, source):
    learn(world, HALF, source=source)
    (row,) = world.rows(quote_rows)
    assert (row.source, row.list_micros, row.price_micros) == (source, PRICE, HALF)


def test_a_newer_answer_counts_after_the_clock_was_set_back(world):
    world.run(1)
    learn(world, HALF, at=world.clock.now_ms() + 3_600_000)
    assert learn(world, PRICE).price_micros == PRICE
