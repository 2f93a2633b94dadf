"""The end of a download process, or of its worker: one's end is not the other's."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

from pipe_host import PipeHost, assert_died, losing_patience, played, process_id

from orchestrator.artifacts.process.client import SeparateArtifacts
from orchestrator.artifacts.process.server import COMMAND
from orchestrator.ports import ArtifactRequest, FetchOutcome, StoredArtifact


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


def test_it_ends_when_its_worker_has_gone_even_before_the_first_word():
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen(COMMAND, stdin=theirs) as process:
        theirs.close()
        ours.close()
        assert process.wait(30) == 0


def test_one_that_cannot_be_started_is_told_as_passing(tmp_path):
    async def play(artifacts: SeparateArtifacts, _host: PipeHost, request: ArtifactRequest) -> FetchOutcome:
        await artifacts.start()
        return await artifacts.store(request)

    assert_died(played(tmp_path, play, ("/nowhere/python",)), "No such file or directory")
