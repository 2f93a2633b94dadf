"""Hosts, ports and URLs: what is true of them wherever one is checked."""

from typing import Final

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""The names of this machine to which http is accepted. Three and no more: some of the URLs that are checked
come from outside, and every further name of this machine is one more door to what listens on it."""

PORT_MAX: Final = 65_535

URL_LENGTH_MAX: Final = 8192
"""In characters. A longer one in an answer is a fault of the provider, and no server would take it."""


def is_loopback(host: str | None) -> bool:
    """Whether a host, in lower case and without brackets as URL parsers give it, is this machine."""
    return host in LOOPBACK_HOSTS
