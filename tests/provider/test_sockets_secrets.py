"""The key on the wire: it goes to one host, over checked TLS, and into no message."""

import asyncio
import json
import ssl
from typing import Any

import pytest
from exchanges import CREATED, KEY, MODEL, result, submit, wavespeed
from scripted import Act, Scripted, answer

from orchestrator.ports import KeyRefused, Lost
from orchestrator.provider import WaveSpeed
from orchestrator.runtime.clock import SystemClock
from orchestrator.runtime.network import DIRECT


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
    assert DIRECT.ssl_context().verify_mode is ssl.CERT_REQUIRED
    assert DIRECT.ssl_context().check_hostname
