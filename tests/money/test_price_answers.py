"""A question about a price that gets no answer: an old price is no knowledge, and nothing is sent on it."""

from functools import partial

import pytest
from support.world import PRICE

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import KeyRefused, Lost, NotSent, Rejected, Throttled
from orchestrator.store.db.schema import attempts


@pytest.fixture
def tells(provider):
    """Set what the provider says when it is asked for a price; None: the price itself."""
    quote = provider.quote
    said = {"answer": None}

    async def answer(model, inputs):
        asked = await quote(model, inputs)
        return said["answer"] or asked

    provider.quote = answer
    return partial(said.__setitem__, "answer")


@pytest.mark.parametrize("answer", [Rejected("no", 404), Rejected("no", 400), KeyRefused("no", 403)])
def test_where_a_key_is_told_no_price_the_catalogues_stands(harness, sqlite_world, tells, answer):
    tells(answer)
    sqlite_world.run(2)
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 2}
    assert {row.price_micros for row in sqlite_world.rows(attempts)} == {PRICE}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Lost("HTTP 502"), "price_unanswered"),
        (NotSent("refused"), "unreachable"),
        (Throttled(), "throttled"),
    ],
)
def test_nothing_is_sent_while_no_price_is_said_and_all_goes_on_when_it_is(
    harness, sqlite_world, provider, tells, answer, reason
):
    tells(answer)
    sqlite_world.run(2)
    seen = {}

    def look(_stop):
        seen["posts"], seen["pauses"] = list(provider.posts), harness.pauses()
        tells(None)

    harness.run_for(400.0, (100.5, look))
    assert (seen["posts"], sqlite_world.jobs(), harness.pauses()) == ([], {"succeeded": 2}, set())
    assert reason in {row.reason for row in sqlite_world.rows(attempts) if not row.submitted_at}
    assert seen["pauses"] <= {reason}


def test_a_key_that_is_refused_the_price_sends_nothing(harness, sqlite_world, provider, tells):
    tells(KeyRefused("wrong", 401))
    sqlite_world.run(1)
    harness.run_for(100.0)
    assert (provider.posts, sqlite_world.jobs()) == ([], {"pending": 1})
    assert {row.reason for row in sqlite_world.rows(attempts)} == {"key_refused"}


@pytest.mark.parametrize(("age", "sent"), [(100.0, 1), (130.0, 0)])
def test_a_quote_counts_for_two_minutes_when_no_other_is_had(
    harness, sqlite_world, provider, tells, clock, age, sent
):
    """As after a backup was put back: what it knows of the price may be an old, cheaper one."""
    sqlite_world.run(1)
    provider.price = lambda inputs: PRICE // 2
    harness.drain()
    tells(Lost("HTTP 502"))
    clock.advance(age - 10.0)
    sqlite_world.run(1, run_key="b")
    provider.posts.clear()
    harness.run_for(8.0)
    assert len(provider.posts) == sent


def test_a_drain_ends_with_the_reason_when_no_price_is_said_for_long(harness, sqlite_world, provider, tells):
    tells(Lost("HTTP 502"))
    sqlite_world.run(1)
    with pytest.raises(OperatorNeededError, match=r"does not say what .* guards\.unanswered_price: known"):
        harness.drain()
    assert provider.posts == []


def test_the_settings_may_let_the_last_known_price_stand(harness, sqlite_world, tells):
    tells(Lost("HTTP 502"))
    harness.change("guards", unanswered_price="known")
    sqlite_world.run(2)
    harness.drain()
    assert sqlite_world.jobs() == {"succeeded": 2}
    assert {row.price_micros for row in sqlite_world.rows(attempts)} == {PRICE}
