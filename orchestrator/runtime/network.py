"""How this process reaches others: through which proxy, and whose certificates it trusts.

Read from the variables that other programs read: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY (lower case
counts first, as with curl), SSL_CERT_FILE and SSL_CERT_DIR. Nothing else of the environment is taken: no
.netrc, because no client may send credentials that it was not given.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from orchestrator.core.addresses import is_loopback
from orchestrator.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Network:
    """Plain values, so that a download process can be given them. Without any: direct, and the well-known
    authorities.
    """

    https_proxy: str | None = None
    http_proxy: str | None = None
    no_proxy: str = ""
    ca_file: str | None = None
    ca_folder: str | None = None

    def proxy_for(self, url: httpx.URL) -> str | None:
        """The proxy for this URL. None: it is asked directly, as this machine itself always is."""
        proxy = self.https_proxy if url.scheme == "https" else self.http_proxy
        if proxy is None or is_loopback(url.host):
            return None
        host = url.host if url.port is None else f"{url.host}:{url.port}"
        return None if proxy_bypass_environment(host, {"no": self.no_proxy}) else proxy

    def ssl_context(self) -> ssl.SSLContext:
        """What a TLS connection is checked against; private authorities replace the well-known ones.

        A process reads them once, which takes 30 ms; all of its connections share them.
        """
        return _ssl_context(self.ca_file, self.ca_folder)


DIRECT: Final = Network()


def from_env(env: Mapping[str, str]) -> Network:
    """What the environment says; raises UsageError with everything in it that cannot be used."""
    problems: list[str] = []

    def word(name: str) -> str:
        return (env.get(name.lower()) or env.get(name) or "").strip()

    for_all = _proxy("ALL_PROXY", word("ALL_PROXY"), problems)
    network = Network(
        https_proxy=_proxy("HTTPS_PROXY", word("HTTPS_PROXY"), problems) or for_all,
        http_proxy=_proxy("HTTP_PROXY", word("HTTP_PROXY"), problems) or for_all,
        no_proxy=word("NO_PROXY"),
        ca_file=env.get("SSL_CERT_FILE") or None,
        ca_folder=env.get("SSL_CERT_DIR") or None,
    )
    if network.ca_folder and not Path(network.ca_folder).is_dir():
        problems.append("SSL_CERT_DIR: there is no such folder")
    elif network.ca_file or network.ca_folder:
        try:
            network.ssl_context()
        except OSError as error:  # ssl.SSLError is one
            problems.append(f"SSL_CERT_FILE: no certificates can be read from it ({error.strerror or error})")
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UsageError(f"The network cannot be used as the environment says. Nothing was sent.\n{lines}")
    return network


@cache
def _ssl_context(ca_file: str | None, ca_folder: str | None) -> ssl.SSLContext:
    if ca_file or ca_folder:
        return ssl.create_default_context(cafile=ca_file, capath=ca_folder)
    return httpx.create_ssl_context(trust_env=False)


def _proxy(name: str, text: str, problems: list[str]) -> str | None:
    """The proxy's URL; it is not echoed, since it may hold a password."""
    if not text:
        return None
    written = text if "://" in text else f"http://{text}"
    try:
        url = httpx.URL(written)
    except httpx.InvalidURL:
        problems.append(f"{name}: this is no URL; expected one such as http://proxy.example:3128")
        return None
    if url.scheme not in {"http", "https"}:
        problems.append(f"{name}: {url.scheme} proxies are not supported; expected http://HOST:PORT")
        return None
    if not url.host:
        problems.append(f"{name}: this names no host; expected one such as http://proxy.example:3128")
        return None
    return written
