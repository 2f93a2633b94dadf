"""Names that resolve to near addresses are not connected to: each name is resolved once, and checked."""

import asyncio
import socket
from typing import Any

import httpx
import pytest
from scripted import answer

from orchestrator.runtime.http_transport import make_transport
from orchestrator.runtime.network import DIRECT
from orchestrator.runtime.transport_errors import ForbiddenHostError


def ask(monkeypatch: pytest.MonkeyPatch, near: str, addresses: dict[str, str]) -> None:
    """GET http://cdn.example:PORT/ with our resolver, where names resolve to `addresses`."""

    async def play() -> None:
        served = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(200, "x").send)
            served.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()

        async def resolved(host: str, *_: object, **__: object) -> list[Any]:
            address = addresses[host]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(loop, "getaddrinfo", resolved, raising=False)
        transport = make_transport(2, DIRECT, near=near)
        try:
            request = httpx.Request(
                "GET", f"http://cdn.example:{port}/", extensions={"timeout": {"connect": 1.0}}
            )
            response = await transport.handle_async_request(request)
            await response.aclose()
            assert served.is_set()
        finally:
            await transport.aclose()
            server.close()

    asyncio.run(play())


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1"])
def test_a_name_that_resolves_to_a_near_address_is_not_connected_to(monkeypatch, address):
    with pytest.raises(ForbiddenHostError, match=r"cdn\.example resolves to an address that is not public"):
        ask(monkeypatch, "api.example", {"cdn.example": address, "api.example": "9.9.9.9"})


def test_a_near_address_is_connected_to_where_the_api_is_near_too(monkeypatch):
    ask(monkeypatch, "api.example", dict.fromkeys(("cdn.example", "api.example"), "127.0.0.1"))
    ask(monkeypatch, "127.0.0.1", {"cdn.example": "127.0.0.1"})


def test_a_near_api_of_another_kind_opens_nothing(monkeypatch):
    with pytest.raises(ForbiddenHostError):
        ask(monkeypatch, "10.0.0.9", {"cdn.example": "127.0.0.1"})
