"""Proxies and private authorities: what the environment names is used, for everything and nothing else."""

import asyncio
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from exchanges import CREATED, MODEL, wavespeed
from scripted import answer

from orchestrator.core.errors import UsageError
from orchestrator.ports import Accepted, NotSent
from orchestrator.provider.reach import reach
from orchestrator.runtime import network
from orchestrator.runtime.http_transport import make_transport
from orchestrator.runtime.network import DIRECT, Network

AWAY = "127.0.0.2"
"""An address of this machine that is not one of the names which are never proxied."""

PASSWORD = "let:me@in"  # noqa: S105 - of a proxy that lives for one test
QUOTED = "let%3Ame%40in"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[str]:
    """A real forward proxy that wants a user and a password; its address."""
    port_file = tmp_path_factory.mktemp("proxy") / "port"
    words = ["--hostname", "127.0.0.1", "--port", "0", "--port-file", str(port_file)]
    words += ["--num-workers", "1", "--num-acceptors", "1", "--basic-auth", f"me:{PASSWORD}"]
    process = subprocess.Popen([sys.executable, "-m", "proxy", *words], stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{_port_of(process, port_file)}"
    finally:
        process.terminate()
        process.wait(30)


def _port_of(process: "subprocess.Popen[bytes]", port_file: Path) -> int:
    for _ in range(3000):
        if port_file.exists() and port_file.read_text().strip():
            return int(port_file.read_text())
        assert process.poll() is None, "the proxy ended"
        time.sleep(0.01)
    raise AssertionError("the proxy does not listen")


class Authority:
    """A private authority, a server with a certificate of it, and how to trust it."""

    def __init__(self, folder: Path) -> None:
        ca = trustme.CA()
        self.file = folder / "ca.pem"
        ca.cert_pem.write_to_path(str(self.file))
        self.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(AWAY).configure_cert(self.server_context)


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


def submitted(authority: Authority, how: Network) -> tuple[Any, int]:
    """The outcome of one submit to an https API at `AWAY`, and how many connections that API saw."""
    served: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(200, CREATED).send)
        await writer.drain()

    async def play() -> Any:
        server = await asyncio.start_server(serve, AWAY, 0, ssl=authority.server_context)
        port = server.sockets[0].getsockname()[1]
        provider = wavespeed(f"https://{AWAY}:{port}", network=how)
        try:
            return await provider.submit(MODEL, {"prompt": "x"})
        finally:
            await provider.aclose()
            for writer in served:
                writer.transport.abort()
            server.close()
            await server.wait_closed()

    return asyncio.run(play()), len(served)


def test_a_private_authority_is_trusted_when_the_environment_names_it(authority):
    outcome, _ = submitted(authority, network.from_env({"SSL_CERT_FILE": str(authority.file)}))
    assert isinstance(outcome, Accepted)


def test_without_it_nothing_is_sent(authority):
    outcome, _ = submitted(authority, DIRECT)
    assert isinstance(outcome, NotSent)


def test_requests_go_through_the_proxy_that_the_environment_names(authority, proxy):
    env = {"SSL_CERT_FILE": str(authority.file), "HTTPS_PROXY": f"http://me:{QUOTED}@{proxy}"}
    outcome, reached = submitted(authority, network.from_env(env))
    assert isinstance(outcome, Accepted)
    assert reached == 1


def test_a_proxy_that_refuses_has_seen_nothing_of_the_request(authority, proxy):
    env = {"SSL_CERT_FILE": str(authority.file), "HTTPS_PROXY": f"http://me:wrong@{proxy}"}
    outcome, reached = submitted(authority, network.from_env(env))
    assert isinstance(outcome, NotSent)
    assert "the proxy answered HTTP 407" in outcome.message
    assert reached == 0


def test_a_proxy_that_is_away_sent_nothing_and_its_password_is_not_shown(authority):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        env = {"SSL_CERT_FILE": str(authority.file), "HTTPS_PROXY": f"http://me:{QUOTED}@127.0.0.1:{port}"}
        outcome, reached = submitted(authority, network.from_env(env))
    assert isinstance(outcome, NotSent)
    assert QUOTED not in outcome.message
    assert reached == 0


def test_a_proxy_that_hangs_up_while_it_is_asked_has_seen_nothing_of_the_request(authority):
    async def play() -> Any:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        how = Network(https_proxy=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        provider = wavespeed(f"https://{AWAY}:1", network=how)
        try:
            return await provider.submit(MODEL, {"prompt": "x"})
        finally:
            await provider.aclose()
            server.close()

    assert isinstance(asyncio.run(play()), NotSent)


def test_doctor_asks_through_the_same_proxy(authority, proxy):
    env = {"SSL_CERT_FILE": str(authority.file), "HTTPS_PROXY": f"http://me:wrong@{proxy}"}
    assert "407" in (reach(f"https://{AWAY}:1", network.from_env(env)).error or "")


@pytest.mark.parametrize(
    ("env", "url", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https://api.example", "http://p:1"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://p:1"}, "https://api.example", "http://low:1"),
        ({"HTTPS_PROXY": "p:1"}, "https://api.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://api.example", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://api.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "https://api.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "https://api.example", "http://q:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example"}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.example"}, "https://api.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "https://127.0.0.1:9", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://localhost:9", None),
        ({}, "https://api.example", None),
    ],
)
def test_the_proxy_of_an_address_is_what_curl_would_take(env, url, expected):
    assert network.from_env(env).proxy_for(httpx.URL(url)) == expected


def test_everything_that_cannot_be_used_is_said_at_once_without_a_password(tmp_path):
    env = {
        "HTTPS_PROXY": "socks5://me:secret@p:1",
        "HTTP_PROXY": "http://",
        "SSL_CERT_FILE": str(tmp_path / "none.pem"),
    }
    with pytest.raises(UsageError) as caught:
        network.from_env(env)
    words = str(caught.value)
    assert all(name in words for name in ("HTTPS_PROXY", "HTTP_PROXY", "SSL_CERT_FILE", "Nothing was sent"))
    assert "secret" not in words


def test_what_a_process_trusts_is_read_once_for_all_of_its_connections(authority):
    trusting = Network(ca_file=str(authority.file))
    assert trusting.ssl_context() is replace(trusting, no_proxy="intranet").ssl_context()
    assert DIRECT.ssl_context() is Network(https_proxy="http://proxy:3128").ssl_context()
    assert trusting.ssl_context() is not DIRECT.ssl_context()


def test_a_proxy_on_a_private_network_is_no_forbidden_host(authority, proxy):
    how = network.from_env({"HTTPS_PROXY": f"http://me:wrong@{proxy}"})
    localized = replace(how, https_proxy=(how.https_proxy or "").replace("127.0.0.1", "localhost"))

    async def play() -> None:
        transport = make_transport(2, localized, near="api.example")
        try:
            await transport.handle_async_request(httpx.Request("GET", "https://cdn.example/x"))
        finally:
            await transport.aclose()

    with pytest.raises(httpx.ConnectError, match="407"):
        asyncio.run(play())
