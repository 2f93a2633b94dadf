"""Real sockets that fail after something was sent: the reply is lost, and nothing is sent twice."""

import asyncio
import json

import httpx
import pytest
from exchanges import CREATED, KEY, MODEL, submit, wavespeed
from scripted import Act, Scripted, answer

from orchestrator.ports import Accepted, Lost, Prediction
from orchestrator.provider import make_transport
from orchestrator.runtime.transport_errors import NOTHING_SENT

LOST_ACTS = {
    "reset_before_reading": Act(read="nothing", then="reset"),
    "close_before_reading": Act(read="nothing", then="close"),
    "reset_after_headers": Act(read="head", then="reset"),
    "reset_after_body": Act(then="reset"),
    "close_after_body": Act(then="close"),
    "close_in_the_status_line": Act(b"HTTP/1.1 2", then="close"),
    "close_in_the_headers": Act(b"HTTP/1.1 200 OK\r\nContent-Le", then="close"),
    "close_mid_body": Act(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"data"', then="close"),
    "reset_mid_body": Act(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"data"', then="reset"),
    "broken_chunks": Act(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", then="close"),
    "not_http": Act(b"SSH-2.0-OpenSSH_9\r\n\r\n", then="close"),
    "endless_header": Act(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, then="close"),
    "html_504": answer(504, "<html>Gateway Time-out</html>"),
    "500": answer(500, '{"code":500,"message":"oops"}'),
    "503_empty": answer(503),
    "redirect": answer(307, "", Location="/api/v3/elsewhere"),
    "redirect_to_another_host": answer(302, "", Location="https://evil.example/"),
    "html_200": answer(200, "<html>hello</html>"),
    "empty_200": answer(200),
    "truncated_json": answer(200, CREATED[:-9]),
    "no_id": answer(200, '{"code":200,"data":{"status":"created"}}'),
    "wrong_typed_id": answer(200, '{"code":200,"data":{"id":17,"status":"created"}}'),
    "traversal_id": answer(200, '{"code":200,"data":{"id":"../x","status":"created"}}'),
    "too_large": answer(200, b'{"a":"' + b"a" * 5_000_000 + b'"}'),
    "unknown_coding": answer(200, CREATED, Content_Encoding="br"),
    "408": answer(408, "{}"),
}


@pytest.mark.parametrize("name", LOST_ACTS)
def test_anything_but_a_whole_usable_answer_is_lost_and_sent_once(name):
    outcome, server = submit(LOST_ACTS[name])
    assert isinstance(outcome, Lost), outcome
    assert server.connections == 1
    assert len(server.seen) <= 1
    assert KEY not in outcome.message


def test_a_silent_server_is_lost_after_the_read_timeout():
    outcome, server = submit(Act(then="hang"), submit_seconds=0.1)
    assert isinstance(outcome, Lost)
    assert len(server.seen) == 1


def test_an_answer_that_stalls_midway_is_lost():
    act = Act(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", then="hang")
    outcome, _ = submit(act, submit_seconds=0.1)
    assert isinstance(outcome, Lost)


@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_post_on_a_kept_connection_that_dies_is_never_sent_twice(then):
    """aiohttp repeats idempotent requests on a stale connection; a POST must reach the server once."""

    async def play() -> None:
        async with Scripted([answer(200, CREATED), Act(then=then), answer(200, CREATED)]) as server:
            provider = wavespeed(server.url)
            assert isinstance(await provider.submit(MODEL, {"n": 1}), Accepted)
            assert isinstance(await provider.submit(MODEL, {"n": 2}), Lost)
            assert [json.loads(s.body)["n"] for s in server.seen] == [1, 2]
            assert server.connections == 1
            await provider.aclose()

    asyncio.run(play())


def test_a_get_on_a_kept_connection_that_dies_is_not_repeated_either():
    async def play() -> None:
        async with Scripted([answer(200, CREATED), Act(then="close"), answer(200, CREATED)]) as server:
            provider = wavespeed(server.url)
            assert isinstance(await provider.result("abc123"), Prediction)
            assert isinstance(await provider.result("abc123"), Lost)
            assert len(server.seen) == 2
            await provider.aclose()

    asyncio.run(play())


@pytest.mark.parametrize("act", [Act(then="reset"), Act(read="head", then="reset"), Act(then="close")])
def test_after_the_first_byte_no_error_looks_like_a_connect_error(act):
    """The ready-made bridge calls a server that hung up a ConnectTimeout; that would pay twice."""

    async def play() -> httpx.TransportError:
        async with (
            Scripted([act]) as server,
            httpx.AsyncClient(transport=make_transport(connections=1)) as client,
        ):
            with pytest.raises(httpx.TransportError) as caught:
                await client.post(server.url, content=b"x" * 3_000_000)
            return caught.value

    assert not isinstance(asyncio.run(play()), NOTHING_SENT)
