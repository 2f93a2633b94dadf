"""What the wire does to us, on real loopback sockets: which faults prove that nothing was sent, and which
do not."""

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from scripted import Act, Scripted, answer

from orchestrator.ports import (
    Accepted,
    KeyRefused,
    Lost,
    Missing,
    NotSent,
    Prediction,
    Rejected,
    Throttled,
)
from orchestrator.provider import WaveSpeed, make_transport
from orchestrator.provider.classify import NEVER_CONNECTED
from orchestrator.runtime.clock import SystemClock
from orchestrator.runtime.http_transport import _ssl_context

KEY = "wsk_secret-0123456789"
MODEL = "kwaivgi/kling-image-o3/edit"
CREATED = json.dumps({"code": 200, "message": "success", "data": {"id": "abc123", "status": "created"}})


def wavespeed(url: str, **options: Any) -> WaveSpeed:
    return WaveSpeed(url, KEY, SystemClock(), **{"submit_seconds": 5.0, "read_seconds": 5.0, **options})


def exchange(acts: list[Act], call: Callable[[WaveSpeed], Any], **options: Any) -> tuple[Any, Scripted]:
    async def play() -> tuple[Any, Scripted]:
        async with Scripted(list(acts)) as server:
            provider = wavespeed(server.url, **options)
            try:
                return await call(provider), server
            finally:
                await provider.aclose()

    return asyncio.run(play())


def submit(*acts: Act, **options: Any) -> tuple[Any, Scripted]:
    return exchange(list(acts), lambda p: p.submit(MODEL, {"prompt": "x"}), **options)


def result(*acts: Act, **options: Any) -> tuple[Any, Scripted]:
    return exchange(list(acts), lambda p: p.result("abc123"), **options)


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def submit_to(url: str, **options: Any) -> Any:
    async def play() -> Any:
        provider = wavespeed(url, **options)
        try:
            return await provider.submit(MODEL, {})
        finally:
            await provider.aclose()

    return asyncio.run(play())


def test_a_refused_connection_sent_nothing():
    assert isinstance(submit_to(f"http://127.0.0.1:{free_port()}"), NotSent)


def test_an_unknown_host_sent_nothing(monkeypatch):
    async def unknown(*_args: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", unknown)
    assert isinstance(submit_to("https://api.nowhere.invalid"), NotSent)


def test_a_failed_tls_handshake_sent_nothing():
    async def play() -> Any:
        async with Scripted([Act(b"this is not TLS\r\n\r\n", read="nothing", then="close")]) as server:
            provider = wavespeed(server.url.replace("http:", "https:"))
            try:
                return await provider.submit(MODEL, {}), server
            finally:
                await provider.aclose()

    outcome, server = asyncio.run(play())
    assert isinstance(outcome, NotSent)
    assert server.connections == 1


def test_a_tls_handshake_that_hangs_sent_nothing_after_the_connect_timeout():
    async def play() -> Any:
        async with Scripted([Act(read="nothing", then="hang")]) as server:
            provider = wavespeed(server.url.replace("http:", "https:"), connect_seconds=0.1)
            try:
                return await provider.submit(MODEL, {})
            finally:
                await provider.aclose()

    assert isinstance(asyncio.run(play()), NotSent)


def test_waiting_for_a_free_connection_too_long_sent_nothing():
    async def play() -> tuple[Any, int]:
        async with Scripted([Act(then="hang")]) as server:
            transport = make_transport(connections=1)
            patient = wavespeed(server.url, transport=transport, submit_seconds=60.0)
            hurried = wavespeed(server.url, transport=transport, submit_seconds=0.05)
            first = asyncio.create_task(patient.submit(MODEL, {"n": 1}))
            while not server.seen:
                await asyncio.sleep(0)
            second = await hurried.submit(MODEL, {"n": 2})
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await patient.aclose()
            await hurried.aclose()
            return second, len(server.seen)

    second, seen = asyncio.run(play())
    assert isinstance(second, NotSent)
    assert seen == 1


def test_a_redirect_reaches_no_other_host_and_the_key_stays_home():
    async def play() -> tuple[Any, Scripted]:
        async with Scripted([answer(200, CREATED)] * 4) as other, Scripted([]) as api:
            api.acts += [answer(code, "", Location=other.url + "/x") for code in (301, 302, 307, 308)]
            provider = wavespeed(api.url)
            outcomes = [await provider.submit(MODEL, {}) for _ in range(4)]
            await provider.aclose()
            return outcomes, other

    outcomes, other = asyncio.run(play())
    assert all(isinstance(outcome, Lost) for outcome in outcomes)
    assert (other.connections, other.seen) == (0, [])


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

    assert not isinstance(asyncio.run(play()), NEVER_CONNECTED)


def test_429_is_throttled_with_the_servers_own_delay():
    outcome, _ = submit(answer(429, '{"code":429,"message":"Too Many Requests"}', Retry_After="7"))
    assert outcome == Throttled(7.0, "HTTP 429: Too Many Requests")


def test_a_refused_key_is_named_and_cut_out_of_the_message():
    outcome, _ = submit(answer(401, json.dumps({"message": f"key {KEY} is wrong"})))
    assert outcome == KeyRefused("HTTP 401: key [key] is wrong", 401)


def test_an_echoed_key_reaches_no_field_of_a_prediction():
    body = {"data": {"id": "abc123", "status": "failed", "error": f"Bearer {KEY}", "inputs": {"prompt": KEY}}}
    outcome, _ = result(answer(200, json.dumps(body)))
    assert KEY not in repr(outcome)


def test_a_key_echoed_in_broken_http_is_cut_out_of_the_error():
    outcome, _ = submit(Act(f"HTTP/1.1 {KEY}\r\n\r\n".encode(), then="close"))
    assert isinstance(outcome, Lost)
    assert "[key]" in outcome.message
    assert KEY not in outcome.message


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


def test_cookies_are_never_kept():
    async def play() -> list[dict[str, str]]:
        acts = [answer(200, CREATED, Set_Cookie="session=1; Path=/"), answer(200, CREATED)]
        async with Scripted(acts) as server:
            provider = wavespeed(server.url)
            await provider.result("abc123")
            await provider.result("abc123")
            await provider.aclose()
            return [s.headers for s in server.seen]

    assert all("cookie" not in headers for headers in asyncio.run(play()))


def test_signed_urls_leave_byte_for_byte():
    async def play() -> str:
        async with (
            Scripted([answer(200, "x")]) as server,
            httpx.AsyncClient(transport=make_transport(connections=1)) as client,
        ):
            await client.get(server.url + "/a%2Fb?X-Amz-Credential=A%2F2%2Fs3&Signature=a%2Bb~c%3D")
            return server.seen[0].target

    assert asyncio.run(play()) == "/a%2Fb?X-Amz-Credential=A%2F2%2Fs3&Signature=a%2Bb~c%3D"


def test_inputs_that_are_not_json_are_rejected_without_a_request():
    for inputs in ({"n": float("nan")}, {"p": "\ud800"}, {"o": object()}):
        outcome, server = exchange([answer(200, CREATED)], lambda p, i=inputs: p.submit(MODEL, i))
        assert isinstance(outcome, Rejected)
        assert server.seen == []


@pytest.mark.parametrize("model", ["../balance", "a/../b", "", "a//b", "a?b", "a/b#c", "https://x"])
def test_a_model_that_is_not_an_id_is_rejected_without_a_request(model):
    outcome, server = exchange([answer(200, CREATED)], lambda p: p.submit(model, {}))
    assert isinstance(outcome, Rejected)
    assert server.seen == []


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://api.example.com", KEY),
        ("ftp://127.0.0.1", KEY),
        ("https://me:pw@api.example.com", KEY),
        ("api.example.com", KEY),
        ("https://api.example.com", ""),
        ("https://api.example.com", "a b"),
        ("https://api.example.com", "a\nb"),
    ],
)
def test_an_unsafe_base_url_or_key_is_refused_at_once(url, key):
    with pytest.raises(ValueError, match=r".") as caught:
        WaveSpeed(url, key, SystemClock())
    assert KEY not in str(caught.value)


def test_tls_certificates_are_checked():
    assert _ssl_context().verify_mode is ssl.CERT_REQUIRED
    assert _ssl_context().check_hostname


def test_a_submit_whose_time_has_passed_is_held_back_and_no_byte_of_it_leaves():
    body = {"prompt": "x"}
    outcome, server = exchange(
        [answer(200, CREATED)], lambda p: p.submit(MODEL, body, still_valid=lambda: False)
    )
    assert outcome == NotSent("held back: too much time has passed since it was meant to leave", expired=True)
    assert server.seen == []


def test_the_question_is_asked_after_the_connection_was_made():
    asked_with: list[int] = []

    async def call(provider: WaveSpeed) -> Any:
        return await provider.submit(MODEL, {}, still_valid=lambda: bool(asked_with.append(1)) or True)

    outcome, server = exchange([answer(200, CREATED)], call)
    assert isinstance(outcome, Accepted)
    assert asked_with == [1]
    assert len(server.seen) == 1
