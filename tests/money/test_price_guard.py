"""No price, no POST: what is held is what the provider would charge now."""

import pytest
from sqlalchemy import update
from support.world import MODEL, PRICE, spec

from orchestrator.ports import NoPrice
from orchestrator.store.account import pauses
from orchestrator.store.attempts.lifecycle import Send
from orchestrator.store.db.schema import attempts, jobs, lanes
from orchestrator.store.money import quotes
from orchestrator.store.runs import adding
from orchestrator.store.runs.new_jobs import encode


def agreed_at_half(world, jobs):
    """A run whose jobs were planned and agreed to at half the list price."""
    stored = world.run(0)
    specs = [spec(number) for number in range(jobs)]
    with world.database.write() as tx:
        adding.add_encoded(
            tx, stored, [encode(each) for each in specs], agreed={specs[0].priced_by: PRICE // 2}
        )


@pytest.mark.parametrize("live", [PRICE + 281, 2 * PRICE, 100 * PRICE])
def test_a_dearer_price_beyond_the_per_cent_pauses_the_model_before_money_moves(
    harness, sqlite_world, provider, live
):
    sqlite_world.run(3, max_attempts=1)
    provider.price = lambda inputs: live
    harness.drain()
    assert (provider.posts, sqlite_world.account()) == ([], (0, 0, 0))
    assert {row.tries_left for row in sqlite_world.rows(jobs)} == {1}
    with sqlite_world.database.read() as tx:
        (pause,) = pauses.in_force(tx)
    assert (pause.scope, pause.reason, pause.until) == ("model", "price_drift", None)
    assert "0.028" in pause.message
    assert "guards.price_drift_percent" in pause.message
    assert f"orchestrator resume --model {pause.name}" in pause.message


@pytest.mark.parametrize("live", [PRICE - 281, PRICE // 2, PRICE // 50])
def test_a_cheaper_price_stops_nobody_and_is_what_is_held(harness, sqlite_world, provider, live):
    sqlite_world.run(3)
    provider.price = lambda inputs: live
    harness.drain()
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 3}, set())
    assert {row.price_micros for row in sqlite_world.rows(attempts) if row.submitted_at} == {live}


def test_at_half_the_price_a_cap_buys_twice_as_many(harness, sqlite_world, provider):
    sqlite_world.run(6)
    sqlite_world.cap(2 * PRICE)
    provider.price = lambda inputs: PRICE // 2
    harness.drain()
    assert len(provider.posts) == 4


@pytest.mark.parametrize("live", [0, 1, PRICE // 100])
def test_a_price_of_nothing_or_next_to_nothing_is_held_at_the_list_price(
    harness, sqlite_world, provider, live
):
    sqlite_world.run(1)
    provider.price = lambda inputs: live
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 1}
    assert {row.price_micros for row in sqlite_world.rows(attempts)} == {PRICE}


def test_a_price_in_another_currency_stops_the_model_until_it_is_told_in_dollars(
    harness, sqlite_world, provider
):
    sqlite_world.run(2)
    quote = provider.quote

    async def in_euros(model, inputs):
        return NoPrice("the price is in 'EUR'")

    provider.quote = in_euros
    harness.drain()
    assert (provider.posts, harness.pauses()) == ([], {"price_unknown"})
    provider.quote = quote
    harness.drain()
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 2}, set())


def test_a_discount_that_ends_while_a_worker_runs_stops_before_the_dearer_request(
    harness, sqlite_world, provider
):
    """The jobs were planned at the discount, so the list price is for a person to accept."""
    agreed_at_half(sqlite_world, jobs=6)
    harness.change("limits", concurrency=1)
    provider.latency = 200.0
    provider.price = lambda inputs: PRICE // 2 if len(provider.posts) < 2 else PRICE
    harness.drain()
    assert harness.pauses() == {"price_drift"}
    assert {row.price_micros for row in sqlite_world.rows(attempts) if row.submitted_at} == {PRICE // 2}
    assert len(provider.posts) < 6


def test_an_accepted_price_is_held_and_does_not_stop_again(harness, sqlite_world, provider):
    sqlite_world.run(2)
    provider.price = lambda inputs: 2 * PRICE
    harness.drain()
    with sqlite_world.database.write() as tx:
        quotes.accept(tx, MODEL)
    harness.drain()
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 2}, set())
    assert {row.price_micros for row in sqlite_world.rows(attempts) if row.submitted_at} == {2 * PRICE}


def test_an_attempt_that_holds_less_than_its_job_costs_now_is_not_sent(sqlite_world):
    sqlite_world.run(1)
    held = sqlite_world.lease()
    with sqlite_world.database.write() as tx:
        tx.conn.execute(update(lanes).values(price_micros=PRICE + 1))
    assert sqlite_world.send(held) is Send.REPRICED


def test_an_attempt_that_was_claimed_before_its_model_was_paused_for_its_price_is_not_sent(sqlite_world):
    sqlite_world.run(1)
    held = sqlite_world.lease()
    with sqlite_world.database.write() as tx:
        pauses.begin(tx, pauses.Pause("model", MODEL, "price_drift", message="too dear"))
    assert sqlite_world.send(held) is Send.REPRICED


def test_the_price_is_asked_for_again_after_a_while(harness, sqlite_world, provider):
    sqlite_world.run(4)
    harness.change("limits", concurrency=1)
    provider.latency = 200.0
    harness.drain()
    assert len(provider.quotes) == 4


def test_a_price_that_falls_again_ends_the_pause_of_a_running_worker(harness, sqlite_world, provider):
    sqlite_world.run(1)
    provider.price = lambda inputs: 2 * PRICE

    def fall(_stop):
        provider.price = lambda inputs: PRICE

    harness.run_for(200.0, (100.0, fall))
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 1}, set())


@pytest.mark.parametrize("live", [PRICE + 280, PRICE - 280, PRICE])
def test_a_price_within_the_per_cent_goes_ahead(harness, sqlite_world, provider, live):
    sqlite_world.run(1)
    provider.price = lambda inputs: live
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 1}


def test_the_price_is_asked_once_for_all_jobs_that_are_priced_alike(harness, sqlite_world, provider):
    provider.price = lambda inputs: PRICE * inputs["num_images"]
    sqlite_world.run(5, run_key="a")
    sqlite_world.run(5, run_key="b")
    sqlite_world.run(5, run_key="b", images=2, price=2 * PRICE)
    harness.drain()
    assert (len(provider.quotes), len(provider.posts)) == (2, 15)


def test_the_next_worker_asks_again_and_goes_on_when_the_price_is_right(harness, sqlite_world, provider):
    sqlite_world.run(1)
    provider.price = lambda inputs: 2 * PRICE
    harness.drain()
    provider.price = lambda inputs: PRICE
    harness.drain()
    assert (sqlite_world.jobs(), harness.pauses()) == ({"succeeded": 1}, set())


def test_a_drifted_price_keeps_stopping_at_the_next_start(harness, sqlite_world, provider):
    sqlite_world.run(1)
    provider.price = lambda inputs: 2 * PRICE
    harness.drain()
    harness.drain()
    assert (provider.posts, harness.pauses()) == ([], {"price_drift"})


def test_an_attempt_keeps_the_price_it_was_admitted_at(sqlite_world):
    sqlite_world.run(1)
    held = sqlite_world.lease()
    assert sqlite_world.attempt(held).price_micros == PRICE
    sqlite_world.send(held)
    sqlite_world.accept(held)
    sqlite_world.complete(held)
    sqlite_world.finish(held)
    assert sqlite_world.attempt(held).cost_micros == PRICE
