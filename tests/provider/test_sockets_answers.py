"""Whole answers on real sockets: what was asked, and what is understood of them."""

import asyncio
import gzip
import json

import httpx
from exchanges import CREATED, KEY, MODEL, exchange, result, submit
from scripted import Scripted, answer

from orchestrator.ports import Accepted, Lost, Missing, Prediction, Throttled
from orchestrator.provider import make_transport


def test_a_whole_answer_with_an_id_is_accepted_and_the_body_is_bare():
    outcome, server = submit(answer(200, CREATED))
    assert isinstance(outcome, Accepted)
    assert outcome.prediction.id == "abc123"
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", f"/api/v3/{MODEL}")
    assert json.loads(seen.body) == {"prompt": "x"}
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"


def test_a_webhook_travels_url_encoded_in_the_query():
    _, server = exchange(
        [answer(200, CREATED)], lambda p: p.submit(MODEL, {}, webhook="https://me.example/a?b=c&d")
    )
    assert server.seen[0].target.endswith("?webhook=https%3A%2F%2Fme.example%2Fa%3Fb%3Dc%26d")


def test_429_is_throttled_with_the_servers_own_delay():
    outcome, _ = submit(answer(429, '{"code":429,"message":"Too Many Requests"}', Retry_After="7"))
    assert outcome == Throttled(7.0, "HTTP 429: Too Many Requests")


def test_the_result_is_asked_under_the_other_path_when_a_gateway_says_404():
    outcome, server = result(answer(404, "<html>no route</html>"), answer(200, CREATED))
    assert isinstance(outcome, Prediction)
    assert [s.target for s in server.seen] == [
        "/api/v3/predictions/abc123/result",
        "/api/v3/predictions/abc123",
    ]


def test_a_json_404_is_missing_at_once():
    outcome, server = result(answer(404, '{"code":404,"message":"not found"}'))
    assert outcome == Missing("not found")
    assert len(server.seen) == 1


def test_gzip_is_understood_although_it_was_not_asked_for():
    outcome, server = result(answer(200, gzip.compress(CREATED.encode()), Content_Encoding="gzip"))
    assert isinstance(outcome, Prediction)
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_a_gzip_bomb_is_lost_in_bounded_memory():
    outcome, _ = result(answer(200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"))
    assert isinstance(outcome, Lost)


def test_signed_urls_leave_byte_for_byte():
    async def play() -> str:
        async with (
            Scripted([answer(200, "x")]) as server,
            httpx.AsyncClient(transport=make_transport(connections=1)) as client,
        ):
            await client.get(server.url + "/a%2Fb?X-Amz-Credential=A%2F2%2Fs3&Signature=a%2Bb~c%3D")
            return server.seen[0].target

    assert asyncio.run(play()) == "/a%2Fb?X-Amz-Credential=A%2F2%2Fs3&Signature=a%2Bb~c%3D"
