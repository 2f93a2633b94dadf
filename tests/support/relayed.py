"""A database URL that leads through a proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import make_url

from .proxy import Proxy

BACKEND_KEY_DATA: Final = b"K\x00\x00\x00\x0c"
POOLERS_OWN_PID: Final = b"\x7f\x00\x00\x01"


@contextmanager
def relayed(url: str, **options: Any) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the server of `url`, and the URL of the same database through it."""
    server = make_url(url)
    host = str(server.query.get("host") or server.host or "127.0.0.1")
    port = server.port or 5432
    target = Path(host) / f".s.PGSQL.{port}" if host.startswith("/") else (host, port)
    rest = {name: value for name, value in server.query.items() if name != "host"}
    with Proxy(target, **options) as proxy:
        through = server.set(host="127.0.0.1", port=proxy.port, query=rest)
        yield proxy, through.render_as_string(hide_password=False)


def _with_a_pid_of_its_own(data: bytes) -> bytes:
    """What a pooler does: it answers for many sessions, so the process number it tells is its own."""
    at = data.find(BACKEND_KEY_DATA)
    if at < 0:
        return data
    at += len(BACKEND_KEY_DATA)
    return data[:at] + POOLERS_OWN_PID + data[at + len(POOLERS_OWN_PID) :]


POSES_AS_POOLER: Final = {"rewrite": _with_a_pid_of_its_own}
