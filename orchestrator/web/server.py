"""Listening: bounded in connections and in time, because the receiver may be reached by anybody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Final

from aiohttp import web

from orchestrator.core.errors import UsageError
from orchestrator.runtime import event_loop

CONNECTIONS_MAX: Final = 1_000
CONNECTION_SECONDS: Final = 30.0
"""How long one connection may last: reading takes ten seconds at most, the rest is for a database that is
busy."""

STOP_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 0.5
"""How long the rest of a refused body is read, so that the sender sees the answer instead of a broken
connection."""


@asynccontextmanager
async def serve(
    site: web.Application, host: str, port: int, *, connection_seconds: float | None = CONNECTION_SECONDS
) -> AsyncIterator[str]:
    """Serve in the running loop; gives the base URL. Port 0 takes a free one. Raises UsageError when it
    cannot listen. A connection ends after `connection_seconds`; None: when a side closes it.
    """
    runner = web.AppRunner(
        site,
        access_log=None,  # it would show tokens
        handle_signals=False,
        shutdown_timeout=STOP_SECONDS,
        auto_decompress=False,  # what was signed is what was sent
        lingering_time=LINGER_SECONDS,
    )
    await runner.setup()
    try:
        assert runner.server is not None
        try:
            listener = await asyncio.get_running_loop().create_server(
                _Door(runner.server, connection_seconds), host, port, backlog=CONNECTIONS_MAX
            )
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be listened on: {error.strerror}. Choose another address in "
                "webhook.listen, or with --port."
            ) from error
        bound = listener.sockets[0].getsockname()[1]
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        finally:
            listener.close()
    finally:
        await runner.cleanup()


def run_blocking(
    site: Callable[[], web.Application],
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    connection_seconds: float | None = CONNECTION_SECONDS,
    beside: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
) -> None:
    """Serve until SIGINT, SIGTERM or their like; `ready` is called once with the base URL. `beside` is open
    all the while. For the main thread only.
    """

    async def main() -> None:
        stop = asyncio.Event()
        event_loop.stop_on_signals(stop.set)
        async with serve(site(), host, port, connection_seconds=connection_seconds) as url, beside():
            ready(url)
            await stop.wait()

    with suppress(KeyboardInterrupt):
        event_loop.run(main())


class _Door:
    """Makes the protocol of each new connection; closes it at once when there are too many, and in time in
    any case.
    """

    def __init__(self, server: web.Server, connection_seconds: float | None) -> None:
        self._server = server
        self._seconds = connection_seconds
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> asyncio.BaseProtocol:
        if len(self._server.connections) >= CONNECTIONS_MAX:
            return _Turned()
        handler = self._server()
        if self._seconds is not None:
            self._loop.call_later(self._seconds, handler.force_close)
        return handler


class _Turned(asyncio.Protocol):
    """A connection that is not taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close before anything is read."""
        transport.close()
