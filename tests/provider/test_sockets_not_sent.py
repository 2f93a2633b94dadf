"""Real sockets that fail before a byte has left: the faults that prove that nothing was sent."""

import asyncio
import socket
from typing import Any

import pytest
from exchanges import CREATED, MODEL, exchange, submit_to, wavespeed
from scripted import Act, Scripted, answer

from orchestrator.ports import Accepted, NotSent, Rejected
from orchestrator.provider import WaveSpeed, make_transport


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
