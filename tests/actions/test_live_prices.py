"""Asking for live prices: bounded, and never an obstacle; what is agreed to by asking."""

import asyncio

import pytest
from support.times import FakeClock
from support.world import MODEL, PRICE, spec

from orchestrator.actions.operator.accept_price import accept_price
from orchestrator.actions.planning.prices import live_prices
from orchestrator.actions.planning.prices.live_prices import LivePrice, LivePrices, Question, Quoted, ask_all
from orchestrator.ports import Lost, NoPrice, Quote
from orchestrator.store.account import acts
from orchestrator.store.db.schema import QuoteSource
from orchestrator.store.db.schema import acts as act_rows
from orchestrator.store.money import quotes

DIGEST = spec(1).priced_by
KEY = (MODEL, DIGEST)


class Quotes:
    """A provider that only quotes: an answer, an error, or nothing for ever."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def quote(self, model, inputs):
        self.asked.append(dict(inputs))
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ask(answer, count=1):
    provider = Quotes(answer)
    questions = {(MODEL, f"{DIGEST}{n or ''}"): Question(PRICE, {"n": n}) for n in range(count)}
    quoted = asyncio.run(ask_all(provider, FakeClock(), questions, account="a1"))
    return quoted, provider


def quoted_at(micros):
    """Live prices of one job, asked and answered."""
    prices = LivePrices(lambda questions: Quoted({KEY: LivePrice(micros, PRICE, 0)}))
    prices.note(MODEL, [spec(1)])
    prices.ask()
    return prices


def test_an_answer_is_the_price_with_the_list_price_beside_it():
    quoted, _ = ask(Quote(PRICE // 2, PRICE))
    assert (quoted.found[KEY].micros, quoted.found[KEY].list_micros) == (PRICE // 2, PRICE)
    assert quoted.account == "a1"


def test_a_provider_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(live_prices, "ASK_SECONDS", 0.01)
    quoted, provider = ask(None)
    assert (quoted.found, len(provider.asked)) == ({}, 1)


@pytest.mark.parametrize("answer", [Lost("HTTP 502"), ValueError("odd")])
def test_a_question_without_a_good_answer_leaves_the_list_price(answer):
    quoted, _ = ask(answer)
    assert (quoted.found, quoted.unknown) == ({}, {})


def test_a_price_that_cannot_be_held_is_said():
    quoted, _ = ask(NoPrice("the price is in 'EUR'"))
    assert quoted.unknown == {MODEL: "the price is in 'EUR'"}


def test_no_more_than_a_bounded_number_of_questions_is_asked():
    _, provider = ask(Quote(PRICE), count=live_prices.ASKED_MAX + 3)
    assert len(provider.asked) == live_prices.ASKED_MAX


def test_one_question_is_asked_for_all_jobs_that_are_priced_alike_and_without_local_pictures():
    asked = {}
    prices = LivePrices(lambda questions: asked.update(questions) or Quoted())
    local = spec(2, price=2 * PRICE, images=2)
    local.local_images["https://in.example/a.png"] = None
    prices.note(MODEL, [spec(1), spec(3), local])
    prices.ask()
    assert list(asked) == [KEY, (MODEL, local.priced_by)]
    assert asked[MODEL, local.priced_by].inputs == {"prompt": "hero 2", "num_images": 2}


@pytest.mark.parametrize(
    ("live", "shown", "agreed"),
    [
        (PRICE // 2, False, PRICE // 2),
        (PRICE // 2, True, PRICE // 2),
        (2 * PRICE, True, 2 * PRICE),
        (2 * PRICE, False, PRICE),  # dearer than the list, and nobody was there to say no
    ],
)
def test_what_is_agreed_to_without_a_person_is_never_dearer_than_the_list(world, live, shown, agreed):
    with world.database.read() as tx:
        assert quoted_at(live).agreed(tx, MODEL, shown=shown) == {DIGEST: agreed}


def test_a_price_that_was_accepted_before_is_agreed_to_without_a_person(world):
    with world.database.write() as tx:
        seen = quotes.Seen(
            model=MODEL,
            digest=DIGEST,
            price_micros=2 * PRICE,
            source=QuoteSource.ACCEPTED,
            asked_at=tx.now,
        )
        quotes.learn(tx, seen, drift_percent=1.0)
    with world.database.read() as tx:
        assert quoted_at(2 * PRICE).agreed(tx, MODEL, shown=False) == {DIGEST: 2 * PRICE}
        assert quoted_at(3 * PRICE).agreed(tx, MODEL, shown=False) == {DIGEST: 2 * PRICE}


def test_an_acceptance_is_an_act_with_both_prices(world):

    world.run(1)
    with world.database.write() as tx:
        seen = quotes.Seen(
            model=MODEL, digest=DIGEST, price_micros=2 * PRICE, source=QuoteSource.QUOTE, asked_at=tx.now
        )
        quotes.learn(tx, seen, drift_percent=1.0)
        signed = acts.Signature("ada", "here", "resume --model", why="a launch")
        accept_price(tx, MODEL, signed)
    (act,) = world.rows(act_rows)
    assert (act.who, act.subject, act.old, act.new, act.why) == (
        "ada",
        f"price of a job of {MODEL}",
        "0.028",
        "0.056",
        "a launch",
    )


def remembered(world, source, micros, account=""):
    with world.database.write() as tx:
        seen = quotes.Seen(
            model=MODEL,
            digest=DIGEST,
            price_micros=micros,
            source=source,
            asked_at=tx.now,
            account=account,
        )
        quotes.learn(tx, seen, drift_percent=1.0)


@pytest.mark.parametrize(
    ("source", "account", "expected"),
    [
        (QuoteSource.BILL, "", 2 * PRICE),
        (QuoteSource.QUOTE, "another key's", 2 * PRICE),
        (QuoteSource.QUOTE, "", PRICE),  # this key's own, which the new answer replaces
    ],
)
def test_what_is_shown_is_the_price_that_will_be_held(world, source, account, expected):
    remembered(world, source, 2 * PRICE, account=account)
    prices = quoted_at(PRICE)
    with world.database.read() as tx:
        prices.heed(tx)
    assert prices.micros(MODEL, DIGEST, PRICE) == expected
    assert bool(prices.warnings(1.0)) == (expected > PRICE)


def test_a_price_that_was_accepted_is_no_news(world):
    remembered(world, QuoteSource.BILL, 2 * PRICE)
    remembered(world, QuoteSource.ACCEPTED, 2 * PRICE)
    prices = quoted_at(PRICE)
    with world.database.read() as tx:
        prices.heed(tx)
    assert (prices.micros(MODEL, DIGEST, PRICE), prices.warnings(1.0)) == (2 * PRICE, [])
