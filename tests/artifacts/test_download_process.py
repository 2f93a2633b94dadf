"""Downloads in a process of their own: the same promises, and one process's end is not the other's."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from output_hosts import picture

from orchestrator.artifacts.process.client import SeparateArtifacts
from orchestrator.artifacts.process.server import COMMAND, Setup
from orchestrator.ports import (
    ArtifactRequest,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    StoredArtifact,
    no_crash,
)
from orchestrator.settings.model import Download, Limits, Outputs, Settings

PNG = picture()


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


def test_a_picture_is_stored_by_another_process(tmp_path):
    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        found = await artifacts.store(request)
        assert process_id(artifacts) != os.getpid()
        return found

    found = played(tmp_path, play)
    assert isinstance(found, StoredArtifact)
    assert (tmp_path / found.path).read_bytes() == PNG
    assert (tmp_path / "camp/a.png.json").exists()


def test_many_at_once_are_answered_each_with_its_own(tmp_path):
    async def play(
        artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest
    ) -> list[FetchOutcome]:
        requests = [
            ArtifactRequest(request.url, f"{number}.png", "image/png", nsfw=False) for number in range(20)
        ]
        return await asyncio.gather(*map(artifacts.store, requests))

    found = played(tmp_path, play)
    assert [stored.path for stored in found] == [f"{number}.png" for number in range(20)]


def test_what_it_was_storing_when_it_died_is_told_as_passing_and_stored_by_the_next(tmp_path):
    async def play(
        artifacts: SeparateArtifacts, host: PipeHost, request: ArtifactRequest
    ) -> tuple[FetchOutcome, FetchOutcome]:
        host.may_answer.clear()
        storing = asyncio.create_task(artifacts.store(request))
        await host.asked.wait()
        first = process_id(artifacts)
        os.kill(first, signal.SIGKILL)
        lost = await storing
        host.may_answer.set()
        stored = await artifacts.store(request)
        assert process_id(artifacts) != first
        return lost, stored

    lost, stored = played(tmp_path, play)
    assert_died(lost, "signal 9")
    assert isinstance(stored, StoredArtifact)


def losing_patience(artifacts: SeparateArtifacts) -> Any:
    process = artifacts._process
    assert process is not None
    process._patience_seconds = 0.05
    return process


def test_one_that_is_frozen_is_killed_and_its_pictures_are_told_as_passing(tmp_path):
    async def play(
        artifacts: SeparateArtifacts, host: PipeHost, request: ArtifactRequest
    ) -> tuple[FetchOutcome, FetchOutcome]:
        host.may_answer.clear()
        storing = asyncio.create_task(artifacts.store(request))
        await host.asked.wait()
        os.kill(process_id(artifacts), signal.SIGSTOP)
        await losing_patience(artifacts)._watch()
        lost = await storing
        host.may_answer.set()
        return lost, await artifacts.store(request)

    lost, stored = played(tmp_path, play)
    assert_died(lost, "signal 9")
    assert isinstance(stored, StoredArtifact)


def test_one_whose_host_is_slow_still_answers_that_it_lives(tmp_path):
    async def play(artifacts: SeparateArtifacts, host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        host.may_answer.clear()
        storing = asyncio.create_task(artifacts.store(request))
        await host.asked.wait()
        assert artifacts._process is not None
        assert await artifacts._process._answer(None) is None
        host.may_answer.set()
        return await storing

    assert isinstance(played(tmp_path, play), StoredArtifact)


def test_a_frozen_one_does_not_hold_up_the_end_of_its_worker(tmp_path):
    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        stored = await artifacts.store(request)
        process = losing_patience(artifacts)
        os.kill(process_id(artifacts), signal.SIGSTOP)
        await artifacts.aclose()
        assert process._process.returncode == -signal.SIGKILL
        return stored

    assert isinstance(played(tmp_path, play), StoredArtifact)


def test_signals_meant_for_the_worker_do_not_end_it(tmp_path):
    async def play(artifacts: SeparateArtifacts, host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        host.may_answer.clear()
        storing = asyncio.create_task(artifacts.store(request))
        await host.asked.wait()
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            os.kill(process_id(artifacts), each)
        host.may_answer.set()
        return await storing

    assert isinstance(played(tmp_path, play), StoredArtifact)


def test_a_worker_that_leaves_takes_back_what_is_still_on_its_way(tmp_path):
    async def play(artifacts: SeparateArtifacts, host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        host.may_answer.clear()
        storing = asyncio.create_task(artifacts.store(request))
        await host.asked.wait()
        await artifacts.aclose()
        return await storing

    assert_died(played(tmp_path, play), "exit code 0")
    assert not (tmp_path / "camp/a.png").exists()


def test_one_that_dies_at_once_is_told_each_time_and_its_worker_goes_on(tmp_path):
    async def play(
        artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest
    ) -> list[FetchOutcome]:
        return [await artifacts.store(request) for _ in range(2)]

    for outcome in played(tmp_path, play, (sys.executable, "-c", "raise SystemExit(3)")):
        assert_died(outcome, "exit code 3")


def test_an_error_that_nobody_foresaw_reaches_the_worker_in_words(tmp_path):
    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> None:
        odd = ArtifactRequest(request.url, 5, "image/png", nsfw=False)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="the download process failed: TypeError"):
            await artifacts.store(odd)

    played(tmp_path, play)


def test_it_never_sees_the_key_or_the_databases_password(tmp_path, monkeypatch):
    monkeypatch.setenv("WAVESPEED_API_KEY", "secret-of-the-account")
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", "postgresql+psycopg://u:secret-of-the-database@db/x")

    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> bytes:
        await artifacts.store(request)
        return Path(f"/proc/{process_id(artifacts)}/environ").read_bytes()

    environment = played(tmp_path, play)
    assert b"PATH=" in environment
    assert b"secret-of-the" not in environment


def test_it_ends_when_its_worker_has_gone_even_before_the_first_word():
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen(COMMAND, stdin=theirs) as process:
        theirs.close()
        ours.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("downloads", "asked", "separate"),
    [(8, None, False), (31, None, False), (32, None, True), (8, True, True), (64, False, False)],
)
def test_a_worker_has_a_download_process_where_there_is_much_to_download_or_it_was_asked_for(
    downloads, asked, separate
):
    settings = Settings(
        "sqlite://",
        Outputs("/nowhere"),
        limits=Limits(downloads=downloads),
        download=Download(separate_process=asked),
    )
    assert settings.separate_downloads is separate


def test_it_is_started_early_and_once_by_whoever_knows_that_pictures_will_come(tmp_path):
    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> None:
        await asyncio.gather(artifacts.start(), artifacts.start())
        started = process_id(artifacts)
        assert isinstance(await artifacts.store(request), StoredArtifact)
        assert process_id(artifacts) == started

    played(tmp_path, play)


def test_one_that_cannot_be_started_is_told_as_passing(tmp_path):
    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        await artifacts.start()
        return await artifacts.store(request)

    assert_died(played(tmp_path, play, ("/nowhere/python",)), "No such file or directory")
