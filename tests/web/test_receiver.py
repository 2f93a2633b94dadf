"""The receiver records what is signed, once, before it answers; everything else changes nothing but one
event."""

import asyncio
import contextlib

import pytest
from support.world import PRICE

from orchestrator.core.errors import DatabaseError
from orchestrator.store.db.schema import events, foreign_predictions, webhook_receipts
from orchestrator.store.doubts import webhook_reports
from orchestrator.web import server
from orchestrator.web.refusals import QUIET_SECONDS


def state_of(world):
    """Everything that a delivery could have changed."""
    tables = (webhook_receipts, events, foreign_predictions)
    return world.everything(), [world.rows(table) for table in tables]


def test_a_signed_report_is_durable_before_the_answer(world, exchange, doubted):
    held, token = doubted

    async def main(post):
        status = await post.deliver(token)
        return status, world.rows(webhook_receipts)

    status, (row,) = exchange(main)
    assert (status, row.attempt_id, row.prediction_id, row.status) == (
        200,
        held.attempt_id,
        "p9",
        "completed",
    )
    assert world.account() == (0, PRICE, 0)


def test_replaying_a_webhook_changes_nothing(world, exchange, doubted):
    async def main(post):
        assert await post.deliver(doubted[1]) == 200
        before = state_of(world)
        for name in ("d1", "d2"):
            assert await post.deliver(doubted[1], webhook_id=name) == 200
        assert state_of(world) == before

    exchange(main)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"sent": b'{"id":"p8","status":"completed"}'},
        {"secret": "whsec_other"},
        {"away": -301},
        {"away": 301},
        {"headers": {}},
    ],
)
def test_what_is_not_signed_just_now_changes_nothing_but_one_event(world, exchange, doubted, spoiled):
    before = world.everything()
    assert exchange(lambda post: post.deliver(doubted[1], **spoiled)) == 401
    assert (world.everything(), world.rows(webhook_receipts)) == (before, [])
    (message,) = world.events(webhook_reports.REFUSED)
    assert "not believed" in message
    assert doubted[1] not in message


def test_nothing_is_parsed_before_it_is_verified(world, exchange, doubted, monkeypatch):
    def read(body):
        raise AssertionError("the body was parsed")

    monkeypatch.setattr("orchestrator.core.webhooks.read_report", read)
    assert exchange(lambda post: post.deliver(doubted[1], body=b"[" * 50_000, secret="whsec_other")) == 401


def test_a_repeated_header_is_refused(world, exchange, doubted):
    async def main(post):
        pairs = [*post.signed(b"{}").items(), ("webhook-id", "d1")]
        return await post.deliver(doubted[1], body=b"{}", headers=pairs)

    assert exchange(main) == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"id":"../../x"}', b"[" * 100_000])
def test_a_signed_body_that_is_no_prediction_is_refused(world, exchange, doubted, body):
    assert exchange(lambda post: post.deliver(doubted[1], body=body)) == 400
    assert world.rows(webhook_receipts) == []
    assert len(world.events(webhook_reports.REFUSED)) == 1


@pytest.mark.parametrize("token", ["", "nobody's", "x" * 200])
def test_a_token_of_no_attempt_is_answered_200_and_told_once(world, exchange, doubted, token):
    async def main(post):
        return [await post.deliver(token) for _ in range(3)]

    assert exchange(main) == [200, 200, 200]
    assert world.rows(webhook_receipts) == []
    (message,) = world.events(webhook_reports.REFUSED)
    assert "no attempt of this database" in message


def test_two_tokens_are_none(world, exchange, doubted):
    assert exchange(lambda post: post.deliver(doubted[1] + f"&token={doubted[1]}")) == 200
    assert world.rows(webhook_receipts) == []


def test_a_flood_of_forgeries_writes_one_event_a_minute_and_says_how_many_there_were(
    world, exchange, doubted
):
    async def main(post):
        for _ in range(10):
            assert await post.deliver(doubted[1], secret="whsec_other") == 401
        world.clock.advance(QUIET_SECONDS)
        assert await post.deliver(doubted[1], secret="whsec_other") == 401

    exchange(main)
    first, second = world.events(webhook_reports.REFUSED)
    assert "9 more" in second
    assert "more" not in first


def test_both_secrets_are_believed_while_one_replaces_the_other(world, exchange, doubted):
    async def main(post):
        return [await post.deliver(doubted[1], secret=secret) for secret in ("whsec_old", "whsec_new")]

    assert exchange(main, secrets=("whsec_new", "whsec_old")) == [200, 200]


def test_a_body_beyond_the_bound_is_not_read(world, exchange, doubted):
    assert exchange(lambda post: post.deliver(doubted[1], body=b"a" * (256 * 1024 + 1))) == 413
    assert world.rows(events) == []


def test_a_sender_that_never_finishes_is_answered_408(world, exchange, doubted, monkeypatch):
    monkeypatch.setattr("orchestrator.web.receiver.READ_SECONDS", 0.01)

    async def main(post):
        reader, writer = await asyncio.open_connection(*address(post))
        writer.write(b"POST /wavespeed?token=t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        line = await reader.readline()
        writer.close()
        return line

    assert b"408" in exchange(main)


def test_a_connection_that_says_nothing_is_closed(world, exchange, monkeypatch):
    monkeypatch.setitem(server.serve.__wrapped__.__kwdefaults__, "connection_seconds", 0.01)

    async def main(post):
        reader, writer = await asyncio.open_connection(*address(post))
        read = await reader.read()
        writer.close()
        return read

    assert exchange(main) == b""


def test_more_connections_than_the_bound_are_turned_away(world, exchange, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 2)

    async def main(post):
        held = [await asyncio.open_connection(*address(post)) for _ in range(2)]
        await asyncio.gather(*(said_something(pair) for pair in held))
        reader, writer = await asyncio.open_connection(*address(post))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        for _, each in [*held, (reader, writer)]:
            each.close()

    exchange(main)


async def said_something(pair):
    """Half a request, so that the server has surely taken the connection."""
    pair[1].write(b"GET /health HTTP/1.1\r\n")
    await pair[1].drain()
    await asyncio.sleep(0)


def address(post):
    host, _, port = post.base.removeprefix("http://").rpartition(":")
    return host, int(port)


def test_a_database_that_is_away_is_answered_503_so_that_the_provider_repeats(world, exchange, doubted):
    class Away:
        async def submit(self, operation, row):
            raise DatabaseError("The database cannot be used just now.")

    async def main(post):
        signed = await post.deliver(doubted[1])
        forged = await post.deliver(doubted[1], secret="whsec_other")
        return signed, forged

    assert exchange(main, writer=Away()) == (503, 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 405),
        ("POST", "/health", 405),
        ("GET", "/wavespeed", 405),
        ("POST", "/wavespeed/", 404),
        ("POST", "//wavespeed", 404),
        ("POST", "/x/wavespeed", 404),
        ("GET", "/x/health", 404),
        ("GET", "/", 404),
    ],
)
def test_only_the_named_routes_are_served(world, exchange, method, path, status):
    assert exchange(lambda post: post.send(method, path)) == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("hooks.example.com", 200),
        ("localhost:1", 200),
        ("[::1]:9", 200),
        ("evil.example", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_a_request_for_another_host_is_misdirected(world, exchange, host, status):
    assert exchange(lambda post: post.send("GET", "/health", headers={"Host": host})) == status


def test_health_tells_when_the_database_cannot_be_read(world, exchange):
    async def is_well():
        return False

    assert exchange(lambda post: post.send("GET", "/health"), is_well=is_well) == 503
