"""No price, no POST: the live quote must agree before a run pays for a model."""

import pytest
from support.world import PRICE

from orchestrator.ports import KeyRefused, Lost, NotSent, Rejected, Throttled
from orchestrator.store.account import pauses
from orchestrator.store.db.schema import attempts, jobs


@pytest.mark.parametrize("live", [PRICE + 281, PRICE - 281, 2 * PRICE, 0])
def test_drift_beyond_the_per_cent_pauses_the_model_before_money_moves(harness, sqlite_world, provider, live):
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


@pytest.mark.parametrize("live", [PRICE + 280, PRICE - 280, PRICE])
def test_a_price_within_the_per_cent_goes_ahead(harness, sqlite_world, provider, live):
    sqlite_world.run(1)
    provider.price = lambda inputs: live
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 1}


@pytest.mark.parametrize(
    "answer", [Lost("502"), NotSent("refused"), Rejected("no", 404), Throttled(), KeyRefused("no", 403)]
)
def test_a_quote_that_cannot_be_had_lets_the_catalogues_price_stand(harness, sqlite_world, provider, answer):
    async def silent(model, inputs):
        return answer

    provider.quote = silent
    sqlite_world.run(2)
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 2}
    assert {row.price_micros for row in sqlite_world.rows(attempts)} == {PRICE}


def test_the_quote_is_asked_once_for_each_run_and_price(harness, sqlite_world, provider):
    provider.price = lambda inputs: PRICE * inputs["num_images"]
    sqlite_world.run(5, run_key="a")
    sqlite_world.run(5, run_key="b")
    sqlite_world.run(5, run_key="b", images=2, price=2 * PRICE)
    harness.drain()
    assert (len(provider.quotes), len(provider.posts)) == (3, 15)


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
