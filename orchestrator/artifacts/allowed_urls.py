"""Which addresses a download may go to. The provider names the URL, so it is not trusted."""

import re
from typing import Final

import httpx

from orchestrator.core.addresses import (
    PORT_MAX,
    URL_LENGTH_MAX,
    Nearness,
    is_loopback,
    nearness_of_address,
    nearness_of_host,
)

_NUMBER_LIKE: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


class ForbiddenUrlError(ValueError):
    """An address that downloads do not go to."""


def check_source(text: str, *, api: Nearness = Nearness.PUBLIC, via: httpx.URL | None = None) -> httpx.URL:
    """`text` as an address to download from; raises ForbiddenUrlError with the reason.

    https to a public name or address, without a user name. Near addresses only where the API itself is near:
    http to loopback, where the stand-in provider lives, when `api` is there too; https to a private one when
    `api` is private. For a redirect, `via` is where it came from (relative targets are joined to it), and
    only loopback may lead to loopback. What a name resolves to is checked by the transport.
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
    if is_loopback(url.host) and url.scheme in {"http", "https"}:
        return _loopback(url, api, via)
    if url.scheme != "https":
        raise ForbiddenUrlError(f"{url.scheme or 'no scheme'}: is not https")
    if _is_number_like(url.host) or nearness_of_host(url.host) not in {Nearness.PUBLIC, _allowed(api)}:
        raise ForbiddenUrlError(f"{url.host or 'an empty host'} is not a public address")
    return url


def _loopback(url: httpx.URL, api: Nearness, via: httpx.URL | None) -> httpx.URL:
    if api is not Nearness.LOOPBACK:
        raise ForbiddenUrlError(f"{url.host} is this machine, and the provider is not on it")
    if via is not None and not is_loopback(via.host):
        raise ForbiddenUrlError(f"{via.host} leads to {url.host}, which is this machine")
    return url


def _allowed(api: Nearness) -> Nearness:
    """The nearest that https may go to."""
    return Nearness.PRIVATE if api is Nearness.PRIVATE else Nearness.PUBLIC


def _is_number_like(host: str) -> bool:
    """Whether resolvers may read a name as a number, such as 2130706433 and 0x7f.1."""
    if nearness_of_address(host.rstrip(".")) is not None:
        return False
    return bool(_NUMBER_LIKE.fullmatch(host.rstrip(".").rpartition(".")[2]))
