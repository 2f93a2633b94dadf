"""Which URLs and addresses the configuration takes. Each check answers why a text is not one, or None."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from orchestrator.core.addresses import PORT_MAX, is_loopback

_AMBIGUOUS: Final = (
    "it has several @, so nobody can tell where a password ends; write each @ of a password as %40"
)
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._~-]+")


def database_url_problem(text: str) -> str | None:
    """Why a text is no database URL of ours, or None."""
    scheme = text.partition("://")[0]
    if scheme == "sqlite" and text.startswith("sqlite:///"):
        return None
    if scheme in {"postgresql", "postgresql+psycopg"} and len(text) > len(scheme) + 3:
        return _AMBIGUOUS if text.count("@") > 1 else None
    return "expected sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"


def base_url_problem(text: str) -> str | None:
    """Why the key may not be sent to this URL, or None: https, or http to this machine; scheme and host
    only.
    """
    parts = _web_url(text)
    if parts is None:
        return "expected a URL such as https://api.wavespeed.ai"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "http is accepted for this machine only, because the key travels with every request; use https"
    if parts.username is not None or parts.query or parts.fragment or parts.path not in {"", "/"}:
        return "expected scheme and host only, such as https://api.wavespeed.ai"
    return None


def webhook_url_problem(text: str) -> str | None:
    """Why the provider cannot call this URL, or None: https with a path; http to this machine, for the
    sandbox.
    """
    parts = _web_url(text)
    if parts is None or parts.path in {"", "/"}:
        return "expected a URL with a path, such as https://hooks.example.com/wavespeed"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "the provider calls https only; http is accepted for this machine, with the sandbox"
    if parts.username is not None or parts.query or parts.fragment or not _PLAIN_PATH.fullmatch(parts.path):
        return "expected scheme, host and path only, such as https://hooks.example.com/wavespeed"
    return None


def notify_url_problem(text: str) -> str | None:
    """Why a notice cannot be posted to this URL, or None. It may hold a token, so it is never shown."""
    parts = _web_url(text)
    if parts is None or parts.fragment or not text.isascii() or " " in text:
        return "expected a URL such as https://hooks.example.com/orchestrator"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "http is accepted for this machine only; use https"
    if parts.username is not None:
        return "credentials in the URL are not sent; sign the notices instead (secret_env)"
    return None


def listen_problem(text: str) -> str | None:
    """Why a text is no address to listen on, or None."""
    host, port = split_listen(text)
    if not host or not port.isascii() or not port.isdecimal() or int(port) > PORT_MAX:
        return "expected HOST:PORT, such as 127.0.0.1:8788"
    return None


def split_listen(text: str) -> tuple[str, str]:
    """Host and port of `HOST:PORT`; an IPv6 host may be in brackets."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), port


def _web_url(text: str) -> SplitResult | None:
    """The parts of an http or https URL with a host, or None."""
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    return parts if parts.scheme in {"https", "http"} and host else None
