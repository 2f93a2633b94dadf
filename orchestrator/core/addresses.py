"""Hosts, ports and URLs: what is true of them wherever one is checked."""

import ipaddress
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""The names of this machine to which http is accepted. Three and no more: some of the URLs that are checked
come from outside, and every further name of this machine is one more door to what listens on it."""

PORT_MAX: Final = 65_535

URL_LENGTH_MAX: Final = 8192
"""In characters. A longer one in an answer is a fault of the provider, and no server would take it."""

INTERNAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa")

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


class Nearness(StrEnum):
    """How near an address is, seen from this machine."""

    PUBLIC = "public"
    PRIVATE = "private"  # of a local network, or of no use to anybody
    LOOPBACK = "loopback"


_ORDER: Final = (Nearness.PUBLIC, Nearness.PRIVATE, Nearness.LOOPBACK)


def is_out_of_reach(url: str, api: Nearness) -> bool:
    """Whether a provider that is so near cannot get what this checked URL names: that is nearer still."""
    return _ORDER.index(nearness_of_host(host_of(url))) > _ORDER.index(api)


def is_loopback(host: str | None) -> bool:
    """Whether a host, in lower case and without brackets as URL parsers give it, is this machine."""
    return host in LOOPBACK_HOSTS


def host_of(url: str) -> str:
    """The host of a checked URL, in lower case, without port and brackets."""
    return urlsplit(url).hostname or ""


def nearness_of_address(text: str) -> Nearness | None:
    """Of an address in digits, a zone (%eth0) aside; None for what is no address.

    An IPv6 address that only carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) is as near as
    that one: a gateway, or the kernel itself, would go there.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    reached = [address, *(_carried(address) if isinstance(address, IPv6Address) else ())]
    if any(each.is_loopback or each.is_unspecified for each in reached):
        return Nearness.LOOPBACK
    goes_to = reached[1:] or reached
    return Nearness.PUBLIC if all(_is_public(each) for each in goes_to) else Nearness.PRIVATE


def nearness_of_host(host: str) -> Nearness:
    """Of a host as it is written, a name or an address. A name may still resolve to what is nearer."""
    name = host.rstrip(".").lower()
    found = nearness_of_address(name)
    if found is not None:
        return found
    if is_loopback(name) or name.endswith(".localhost"):
        return Nearness.LOOPBACK
    return Nearness.PRIVATE if "." not in name or name.endswith(INTERNAL_SUFFIXES) else Nearness.PUBLIC


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return ()


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
