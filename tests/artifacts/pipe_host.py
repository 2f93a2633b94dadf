"""A download process at work for an output host on loopback, and what is to be asked of both."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from storing import PNG

from orchestrator.artifacts.process.client import SeparateArtifacts
from orchestrator.artifacts.process.server import COMMAND, Setup
from orchestrator.ports import ArtifactRequest, FetchFailed, FetchFault, FetchOutcome, no_crash


class PipeHost:
    """An output host on loopback: it tells when it was asked, and holds its answers back while it is told
    to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.answers: list[asyncio.Task[Any] | None] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answers.append(asyncio.current_task())
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked.set()
            await self.may_answer.wait()
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG
            )
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()

    async def close(self) -> None:
        self.may_answer.set()
        await asyncio.gather(*filter(None, self.answers), return_exceptions=True)


Play = Callable[[SeparateArtifacts, PipeHost, ArtifactRequest], Awaitable[Any]]


def played(root: Path, play: Play, command: Sequence[str] = COMMAND) -> Any:
    """Play against a host, then close; afterwards no process and no temporary file is left."""

    async def run() -> Any:
        host = PipeHost()
        server = await asyncio.start_server(host, "127.0.0.1", 0)
        setup = Setup(
            root=root,
            policy="quarantine",
            sidecar=True,
            connections=4,
            max_bytes=10**6,
            timeout_seconds=60.0,
            max_redirects=3,
            api_host="127.0.0.1",
        )
        artifacts = SeparateArtifacts(setup.open(no_crash), command, setup)
        port = server.sockets[0].getsockname()[1]
        try:
            return await play(
                artifacts,
                host,
                ArtifactRequest(f"http://127.0.0.1:{port}/a.png", "camp/a.png", "image/png", nsfw=False),
            )
        finally:
            await artifacts.aclose()
            server.close()
            await host.close()

    found = asyncio.run(run())
    assert list(root.glob(".orchestrator-tmp/*")) == []
    return found


def process_id(artifacts: SeparateArtifacts) -> int:
    assert artifacts._process is not None
    return artifacts._process._process.pid


def assert_died(outcome: FetchOutcome, how: str) -> None:
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.fault is FetchFault.TRANSIENT
    assert how in outcome.message


def losing_patience(artifacts: SeparateArtifacts) -> Any:
    process = artifacts._process
    assert process is not None
    process._patience_seconds = 0.05
    return process
