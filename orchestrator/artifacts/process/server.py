"""The process that downloads, where a worker has one of its own: `python -m orchestrator.artifacts.process`,
never started by hand.

It is a `LocalArtifacts` and nothing else. It ends when its standard input does, whatever became of the
worker: what it is writing gets its name or is removed, what it is receiving is dropped.
"""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.artifacts.local import LocalArtifacts
from orchestrator.artifacts.process.messages import receive, send
from orchestrator.core.addresses import nearness_of_host
from orchestrator.pictures.background import Thumbnailer
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.ports import ArtifactRequest, Crashpoint
from orchestrator.runtime import crashpoints, event_loop
from orchestrator.runtime.http_transport import make_transport
from orchestrator.runtime.network import DIRECT, Network

COMMAND: Final = (sys.executable, "-P", "-m", "orchestrator.artifacts.process")


@dataclass(frozen=True, slots=True)
class Setup:
    """Where and how pictures are stored: the same in whichever process it is done."""

    root: Path
    policy: str
    sidecar: bool
    connections: int
    max_bytes: int
    timeout_seconds: float
    max_redirects: int
    api_host: str
    network: Network = DIRECT
    thumbnails: bool = False

    def open(self, crashpoint: Crashpoint) -> LocalArtifacts:
        """The store. Close it with `aclose`."""
        return LocalArtifacts(
            self.root,
            make_transport(self.connections, self.network, near=self.api_host),
            policy=self.policy,
            sidecar=self.sidecar,
            max_bytes=self.max_bytes,
            timeout_seconds=self.timeout_seconds,
            max_redirects=self.max_redirects,
            api=nearness_of_host(self.api_host),
            crashpoint=crashpoint,
            thumbnailer=Thumbnailer(ThumbnailShelf(self.root)) if self.thumbnails else None,
        )


def main() -> None:
    """Serve the worker at the other end of standard input. Signals are for the worker, which decides what
    ends when.
    """
    for each in (signal.SIGINT, *event_loop.TERMINATING):
        signal.signal(each, signal.SIG_IGN)
    event_loop.run(_serve(socket.socket(fileno=sys.stdin.fileno())))


async def _serve(worker: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=worker)
    under_way: set[asyncio.Task[None]] = set()
    try:
        setup: Setup = await receive(reader)
        store = setup.open(crashpoints.from_env(os.environ, kill=_kill_both))
        try:
            while True:
                number, request = await receive(reader)
                task = asyncio.create_task(
                    _answer(store=store, request=request, number=number, writer=writer)
                )
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            await store.aclose()
    except EOFError:
        return


async def _answer(
    store: LocalArtifacts, request: ArtifactRequest | None, number: int, writer: asyncio.StreamWriter
) -> None:
    if request is None:
        send(writer, (number, None))
        return
    try:
        send(writer, (number, await store.store(request)))
    except Exception as error:  # noqa: BLE001 - the worker decides what becomes of it
        send(writer, (number, repr(error)))


def _kill_both() -> None:
    """A crash point is a power cut: it takes the worker too."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
