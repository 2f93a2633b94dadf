"""Output hosts that refuse, break off, stall, or lead elsewhere."""

import asyncio

import httpx
import pytest
from output_hosts import URL, Host, Pieces, serving
from storing import PNG, fault, files, request, store

from orchestrator.artifacts import LocalArtifacts
from orchestrator.core.addresses import Nearness
from orchestrator.ports import FetchFault, FetchOutcome, StoredArtifact
from orchestrator.provider import make_transport


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (serving(b"", 403), FetchFault.GONE),
        (serving(b"", 404), FetchFault.GONE),
        (serving(b"", 410), FetchFault.GONE),
        (serving(b"", 400), FetchFault.TRANSIENT),
        (serving(b"", 401), FetchFault.TRANSIENT),
        (serving(b"", 429), FetchFault.TRANSIENT),
        (serving(b"", 500), FetchFault.TRANSIENT),
        (serving(b"<html>", 504), FetchFault.TRANSIENT),
        (serving(PNG, 206), FetchFault.TRANSIENT),
        (serving(b"", 204), FetchFault.TRANSIENT),
        (serving(b"", 304), FetchFault.TRANSIENT),
        (serving(b"", 302), FetchFault.TRANSIENT),
        (serving(PNG, error=httpx.ReadError("reset")), FetchFault.TRANSIENT),
        (serving(PNG, error=httpx.ReadTimeout("slow")), FetchFault.TRANSIENT),
        (serving(PNG, Content_Length=str(len(PNG) + 1)), FetchFault.TRANSIENT),
        (serving(PNG, Content_Length=str(len(PNG) - 1)), FetchFault.TRANSIENT),
        (serving(PNG, Content_Encoding="br"), FetchFault.TRANSIENT),
    ],
)
def test_a_download_that_fails_says_whether_to_ask_again(tmp_path, host, expected):
    (found,) = store(tmp_path, host)
    assert fault(found) is expected
    assert files(tmp_path) == set()


def test_the_whole_download_has_a_time_limit(tmp_path):
    class Forever(Pieces):
        async def __aiter__(self):
            while True:
                yield b"x"
                await asyncio.sleep(0.001)

    host = Host(lambda _r: httpx.Response(200, stream=Forever(b"")))
    assert fault(store(tmp_path, host, timeout_seconds=0.05)[0]) is FetchFault.TRANSIENT
    assert files(tmp_path) == set()


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_body_cut_short_on_a_real_socket_is_transient(tmp_path, ending):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + PNG)
        if ending == "reset":
            writer.transport.abort()
        writer.close()

    async def play() -> FetchOutcome:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        artifacts = LocalArtifacts(tmp_path, make_transport(connections=2), api=Nearness.LOOPBACK)
        found = await artifacts.store(request(url=f"http://127.0.0.1:{port}/a.png"))
        await artifacts.aclose()
        server.close()
        return found

    assert fault(asyncio.run(play())) is FetchFault.TRANSIENT
    assert files(tmp_path) == set()


def redirecting(*targets: str) -> Host:
    left = list(targets)

    def respond(_request: httpx.Request) -> httpx.Response:
        if left:
            return httpx.Response(302, headers={"Location": left.pop(0)}, stream=Pieces(b"moved"))
        return httpx.Response(200, stream=Pieces(PNG))

    return Host(respond)


def test_redirects_are_followed_within_their_limit(tmp_path):
    host = redirecting("/b", "https://other.example.com/c", "//third.example.com/d")
    assert isinstance(store(tmp_path, host)[0], StoredArtifact)
    assert [str(r.url) for r in host.requests] == [
        URL,
        "https://cdn.example.com/b",
        "https://other.example.com/c",
        "https://third.example.com/d",
    ]
    assert fault(store(tmp_path, redirecting("/1", "/2", "/3", "/4"))[0]) is FetchFault.TRANSIENT


FORBIDDEN = [
    "",
    "http://cdn.example.com/a.png",
    "https://me:pw@cdn.example.com/a.png",
    "file:///etc/passwd",
    "ftp://cdn.example.com/a",
    "gopher://cdn.example.com/a",
    "data:image/png;base64,AAAA",
    "//cdn.example.com/a",
    "a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:169.254.169.254]/",
    "https://[::1]/",
    "https://127.0.0.1/a",
    "https://10.0.0.1/a",
    "https://[64:ff9b::a9fe:a9fe]/",  # NAT64 of 169.254.169.254
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",  # 6to4 of 127.0.0.1
    "https://[2002:a00:1::]/",
    "https://[2001:0:a00:1::]/",  # Teredo
    "https://[::7f00:1]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://224.0.0.1/",
    "https://0.0.0.0/",
    "https://100.64.0.1/a",
    "https://127.1/a",
    "https://0x7f000001/a",
    "https://2130706433/a",
    "https://localhost/a",
    "https://metadata.google.internal/a",
    "https://printer.local/a",
    "https://intranet/a",
    "https:///a",
    "https://cdn.example.com:99999999/a",
    "x" * 9000,
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_is_not_public_https_is_never_asked(tmp_path, url):
    host = serving(PNG)
    assert fault(store(tmp_path, host, request(url=url))[0]) is FetchFault.BAD_CONTENT
    assert host.requests == []


@pytest.mark.parametrize("url", [u for u in FORBIDDEN if "://" in u] + ["http://127.0.0.1:1/a"])
def test_a_redirect_cannot_lead_where_a_url_may_not(tmp_path, url):
    host = redirecting(url)
    assert fault(store(tmp_path, host)[0]) is FetchFault.BAD_CONTENT
    assert len(host.requests) == 1


def test_http_to_loopback_serves_the_stand_in(tmp_path):
    host = redirecting("http://localhost:9/b")
    asked = request(url="http://127.0.0.1:9/a")
    assert isinstance(store(tmp_path, host, asked, api=Nearness.LOOPBACK)[0], StoredArtifact)


@pytest.mark.parametrize("api", [Nearness.PUBLIC, Nearness.PRIVATE])
def test_loopback_is_not_asked_when_the_provider_is_elsewhere(tmp_path, api):
    host = serving(PNG)
    asked = request(url="http://127.0.0.1:9200/_search")
    assert fault(store(tmp_path, host, asked, api=api)[0]) is FetchFault.BAD_CONTENT
    assert host.requests == []


def test_a_private_address_is_asked_only_where_the_provider_is_private_too(tmp_path):
    asked = request(url="https://10.0.0.7/a.png")
    assert isinstance(store(tmp_path, serving(PNG), asked, api=Nearness.PRIVATE)[0], StoredArtifact)
    for api in (Nearness.PUBLIC, Nearness.LOOPBACK):
        assert fault(store(tmp_path / api, serving(PNG), asked, api=api)[0]) is FetchFault.BAD_CONTENT


def test_a_public_address_behind_a_translating_gateway_is_public(tmp_path):
    asked = request(url="https://[64:ff9b::808:808]/a.png")
    assert isinstance(store(tmp_path, serving(PNG), asked)[0], StoredArtifact)
