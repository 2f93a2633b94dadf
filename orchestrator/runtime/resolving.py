"""Names to addresses, each once, and checked before anything connects to them.

A URL that comes from outside may name a host that resolves to this machine, to a metadata service, or to a
private network. Checking the name and connecting afterwards would resolve it twice, and the second answer may
be another one; so the check sits where the connection takes its address from.
"""

import socket
from typing import Final

import httpx
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from orchestrator.core.addresses import Nearness, nearness_of_address
from orchestrator.runtime.network import Network


class ForbiddenAddressError(OSError):
    """Every address of a name is one that this client does not connect to."""


class CheckedResolver(ThreadedResolver):
    """Leaves out addresses that are not public, unless `near`, the host of the API, has such ones too.

    The proxies themselves may be anywhere: they are the operator's word, not an answer's.
    """

    def __init__(self, near: str, network: Network) -> None:
        super().__init__()
        self._near: Final = near
        self._trusted: Final = {
            httpx.URL(proxy).host for proxy in (network.https_proxy, network.http_proxy) if proxy
        }

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses that may be connected to; raises ForbiddenAddressError when there are only others."""
        found = await super().resolve(host, port, family)
        if host in self._trusted:
            return found
        kept = [each for each in found if nearness_of_address(each["host"]) is Nearness.PUBLIC]
        if kept:
            return kept
        nearness = {nearness_of_address(each["host"]) for each in found}
        if found and nearness <= await self._nearness_of_the_api(port, family):
            return found
        raise ForbiddenAddressError(f"{host} resolves to an address that is not public")

    async def _nearness_of_the_api(self, port: int, family: socket.AddressFamily) -> set[Nearness | None]:
        written = nearness_of_address(self._near)
        if written is not None:
            return {written}
        try:
            found = await super().resolve(self._near, port, family)
        except OSError:
            return set()
        return {nearness_of_address(each["host"]) for each in found}
