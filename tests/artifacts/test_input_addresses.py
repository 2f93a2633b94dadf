"""Asking real hosts what they serve at the addresses of a manifest."""

import asyncio
import socket

import pytest
from support.input_host import ToldAnswer, input_host

from orchestrator.artifacts.input_addresses import AT_ONCE, SILENCES_MAX, InputAddresses
from orchestrator.core.url_inputs import GONE, SILENT, UNTOLD
from orchestrator.runtime.network import DIRECT


@pytest.fixture
def host():
    with input_host() as found:
        yield found


def asker(api_host: str = "127.0.0.1", **more) -> InputAddresses:
    return InputAddresses(api_host, DIRECT, **{"answer_seconds": 5.0, **more})


def test_an_etag_is_asked_for_by_head_once_without_credentials(host):
    url = host.serves("/a.png", '"v1"')
    assert asker()([url]) == {url: '"v1" 0 -'}
    assert host.asked == [("HEAD", "/a.png")]
    assert set(host.heard[0]) <= {"Host", "Accept", "Accept-Encoding", "User-Agent"}


def test_one_connection_serves_many_questions_and_a_second_look_takes_another(host):
    """Machines behind one address may disagree: the second look should meet another one."""
    urls = [host.serves(f"/{number}.png", '"v1"') for number in range(60)]
    ask = asker()
    ask(urls)
    assert len(host.clients) <= AT_ONCE
    first = set(host.clients)
    ask(urls[:1])
    assert len(set(host.clients) - first) == 1


def test_a_host_that_tells_nothing_is_known_to_tell_nothing(host):
    url = host.serves("/a.png")
    assert asker()([url]) == {url: UNTOLD}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_host_that_refuses_head_is_asked_for_the_first_byte(host, status):
    url = host.serves("/a.png", '"v1"', status=status, get_status=206)
    host.told["/a.png"].headers[0]["Content-Range"] = "bytes 0-0/1234"
    assert asker()([url]) == {url: '"v1" 1234 -'}
    assert host.asked == [("HEAD", "/a.png"), ("GET", "/a.png")]
    assert host.heard[1]["Range"] == "bytes=0-0"


@pytest.mark.parametrize("status", [404, 410])
def test_a_picture_is_gone_only_where_get_says_so_too(host, status):
    url = host.serves("/a.png", status=status)
    assert asker()([url]) == {url: GONE}
    assert host.asked[-1] == ("GET", "/a.png")


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503, 304])
def test_a_refusal_is_no_answer(host, status):
    url = host.serves("/a.png", '"v1"', status=status)
    assert asker()([url]) == {url: SILENT}


def test_redirects_are_followed_to_what_may_be_asked_and_no_further(host):
    told = {"/near": "/a.png", "/plain": "http://public.example/a.png", "/loop": "/loop", "/odd": "https://"}
    for path, target in told.items():
        host.told[path] = ToldAnswer(302, [{"Location": target}])
    host.serves("/a.png", '"v1"')
    found = asker()([host.url + path for path in told])
    answers = ['"v1" 0 -', SILENT, SILENT, SILENT]
    assert found == {host.url + path: answer for path, answer in zip(told, answers, strict=True)}


@pytest.mark.parametrize("api_host", ["api.wavespeed.ai", "10.0.0.7"])
def test_this_machine_is_asked_nothing_for_a_provider_that_is_elsewhere(host, api_host):
    url = host.serves("/a.png", '"v1"')
    name = url.replace("127.0.0.1", "localhost")
    assert asker(api_host)([url, name]) == {url: SILENT, name: SILENT}
    assert host.asked == []


def test_a_name_that_leads_to_this_machine_is_not_connected_to(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        async def here(_loop, *_args, **_more):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", server.getsockname())]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", here)
        url = f"https://cdn.example:{server.getsockname()[1]}/a.png"
        assert asker("9.9.9.9")([url]) == {url: SILENT}
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_host_that_does_not_answer_is_asked_no_more_and_the_others_are(host):
    dead = [
        host.serves(f"/{number}.png", hangs=True).replace("127.0.0.1", "localhost") for number in range(60)
    ]
    alive = host.serves("/a.png", '"v1"')
    ask = asker(answer_seconds=0.2)
    found = ask([*dead, alive])
    assert found[alive] == '"v1" 0 -'
    assert {found[url] for url in dead} == {SILENT}
    assert SILENCES_MAX <= len(host.asked) - 1 <= 20
    before = len(host.asked)
    assert set(ask(dead).values()) == {SILENT}
    assert len(host.asked) == before


def test_one_silence_is_forgiven_when_the_host_answers_again(host):
    for number in range(10):
        host.serves(f"/{number}.png", '"v1"', status=500 if number % 2 else 200)
    ask = asker()
    for number in range(10):
        ask([f"{host.url}/{number}.png"])
    assert len(host.asked) == 10


def test_there_is_one_time_for_all_questions_of_a_command(host):
    slow = [host.serves(f"/{number}.png", hangs=True) for number in range(20)]
    ask = asker(all_seconds=0.2, answer_seconds=30.0)
    assert ask(slow) == {}
    assert ask([host.serves("/a.png", '"v1"')]) == {}


def test_an_address_that_cannot_be_asked_is_no_error():
    urls = [
        "https://",
        "https://exa mple/a.png",
        "https://in.invalid:99999/a",
        "https://x.invalid/a.png",
        "ü://",
        "https://[::1",
        "https://ü.invalid/",
    ]
    assert asker(answer_seconds=1.0)(urls) == dict.fromkeys(urls, SILENT)
