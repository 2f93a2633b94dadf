"""Which addresses a download may go to. The provider names the URL, so it is not trusted."""

import ipaddress
import re
from typing import Final

import httpx

from orchestrator.core.addresses import PORT_MAX, URL_LENGTH_MAX, is_loopback

_NUMBER_LIKE: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_INTERNAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


class ForbiddenUrlError(ValueError):
    """An address that downloads do not go to."""


def check_source(text: str, *, via: httpx.URL | None = None) -> httpx.URL:
    """`text` as an address to download from; raises ForbiddenUrlError with the reason.

    https to a public name or address, without a user name; http only to loopback, where the stand-in provider
    lives. For a redirect, `via` is where it came from (relative targets are joined to it), and only loopback
    may lead to loopback.
    """
    if not text or len(text) > URL_LENGTH_MAX:
        raise ForbiddenUrlError("no usable URL")
    try:
        written = httpx.URL(text)
        url = via.join(text) if via is not None else written
    except (httpx.InvalidURL, ValueError):
        raise ForbiddenUrlError(f"{text[:100]!r} is not a URL") from None
    if (written.scheme and not written.host) or (url.port or 0) > PORT_MAX:
        raise ForbiddenUrlError(f"{text[:100]!r} names no usable host and port")
    if url.userinfo:
        raise ForbiddenUrlError(f"a URL of {url.host} carries a user name or password")
    if url.scheme == "http" and is_loopback(url.host) and (via is None or is_loopback(via.host)):
        return url
    if url.scheme != "https":
        raise ForbiddenUrlError(f"{url.scheme or 'no scheme'}: is not https")
    if not _is_public(url.host):
        raise ForbiddenUrlError(f"{url.host or 'an empty host'} is not a public address")
    return url


def _is_public(host: str) -> bool:
    """Whether a host may be public: names that resolvers read as numbers are not taken at their word."""
    name = host.rstrip(".").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        last_label = name.rpartition(".")[2]
        return (
            "." in name and not _NUMBER_LIKE.fullmatch(last_label) and not name.endswith(_INTERNAL_SUFFIXES)
        )
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_global
