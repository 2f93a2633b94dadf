"""Downloads in a process of their own: the same promises as in the worker's."""

import asyncio
import os
from pathlib import Path

import pytest
from pipe_host import PipeHost, played, process_id
from storing import PNG

from orchestrator.artifacts.process.client import SeparateArtifacts
from orchestrator.ports import ArtifactRequest, FetchOutcome, StoredArtifact
from orchestrator.settings.model import Download, Limits, Outputs, Settings


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
