"""Storing again: safe to repeat, and never over somebody else's file."""

import asyncio
import errno
import hashlib
import os
from typing import Any

import httpx
import pytest
from output_hosts import Host, Pieces, picture, serving
from storing import PNG, PNG_SHA, fault, files, request, store

from orchestrator.artifacts import LocalArtifacts
from orchestrator.ports import FetchFault, FetchOutcome, StoredArtifact


def test_a_repeat_with_a_known_digest_downloads_and_touches_nothing(tmp_path):
    host = serving(PNG)
    (first,) = store(tmp_path, host)
    before = (tmp_path / "camp/sku/a.png").stat()
    (second,) = store(tmp_path, host, request(known_sha256=PNG_SHA))
    assert second == first
    assert len(host.requests) == 1
    after = (tmp_path / "camp/sku/a.png").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_repeat_without_a_known_digest_reuses_the_file_that_is_there(tmp_path):
    store(tmp_path, serving(PNG))
    before = (tmp_path / "camp/sku/a.png").stat()
    (tmp_path / "camp/sku/a.png.json").unlink()
    (second,) = store(tmp_path, serving(PNG))
    assert isinstance(second, StoredArtifact)
    after = (tmp_path / "camp/sku/a.png").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


def test_a_known_file_under_a_corrected_name_is_found_too(tmp_path):
    jpeg = picture("JPEG")
    (first,) = store(tmp_path, serving(jpeg))
    host = serving(jpeg)
    (second,) = store(tmp_path, host, request(known_sha256=hashlib.sha256(jpeg).hexdigest()))
    assert second == first
    assert host.requests == []


def test_a_known_file_that_is_gone_or_damaged_is_downloaded_again(tmp_path):
    store(tmp_path, serving(PNG))
    (tmp_path / "camp/sku/a.png").unlink()
    (again,) = store(tmp_path, serving(PNG), request(known_sha256=PNG_SHA))
    assert isinstance(again, StoredArtifact)
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG


@pytest.mark.parametrize("known", [None, PNG_SHA, "0" * 64])
def test_another_jobs_file_is_never_overwritten(tmp_path, known):
    target = tmp_path / "camp/sku/a.png"
    target.parent.mkdir(parents=True)
    target.write_bytes(picture(color="blue"))
    (found,) = store(tmp_path, serving(PNG), request(known_sha256=known))
    assert fault(found) is FetchFault.COLLISION
    assert target.read_bytes() == picture(color="blue")
    assert files(tmp_path) == {"camp/sku/a.png"}


def test_two_writers_of_one_name_make_one_file_and_one_collision(tmp_path):
    def respond(asked: httpx.Request) -> httpx.Response:
        color = "red" if asked.url.path == "/1" else "blue"
        return httpx.Response(200, stream=Pieces(picture(color=color)))

    async def play() -> list[FetchOutcome]:
        artifacts = LocalArtifacts(tmp_path, Host(respond))
        found = await asyncio.gather(
            *(artifacts.store(request(url=f"https://h.example/{n}")) for n in (1, 2))
        )
        await artifacts.aclose()
        return list(found)

    kinds = sorted(type(o).__name__ for o in asyncio.run(play()))
    assert kinds == ["FetchFailed", "StoredArtifact"]


def test_without_hard_links_nothing_is_overwritten_either(tmp_path, monkeypatch):
    def unsupported(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", unsupported)
    assert isinstance(store(tmp_path, serving(PNG))[0], StoredArtifact)
    assert fault(store(tmp_path, serving(picture(color="blue")))[0]) is FetchFault.COLLISION
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}
