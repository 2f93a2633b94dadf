"""Crashes and cancelled downloads: nothing half done, no file left behind or held open."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from output_hosts import DyingFiles, Host, Pieces, serving
from storing import PNG, files, request, store

from orchestrator.artifacts import LocalArtifacts, RealFiles
from orchestrator.ports import FetchOutcome, StoredArtifact


class Killed(BaseException):
    """The process is gone."""


CRASHPOINTS = ["artifact.temp_created", "artifact.half_written", "artifact.synced", "artifact.renamed"]


@pytest.mark.parametrize("point", CRASHPOINTS)
def test_a_crash_leaves_nothing_half_done_and_a_repeat_completes(tmp_path, point):
    dying = DyingFiles()
    passed: list[str] = []

    def crash(name: str) -> None:
        passed.append(name)
        if name == point:
            dying.dead = True
            raise Killed

    with pytest.raises(Killed):
        store(tmp_path, serving(PNG), files=dying, crashpoint=crash)
    assert passed == CRASHPOINTS[: CRASHPOINTS.index(point) + 1]
    for name in files(tmp_path):
        assert name.startswith(".orchestrator-tmp/") or (tmp_path / name).read_bytes() == PNG

    async def restart() -> FetchOutcome:
        artifacts = LocalArtifacts(tmp_path, serving(PNG))
        artifacts.clean()
        assert not list((tmp_path / ".orchestrator-tmp").iterdir())
        found = await artifacts.store(request())
        await artifacts.aclose()
        return found

    assert isinstance(asyncio.run(restart()), StoredArtifact)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG


def test_cleaning_takes_strays_and_leaves_what_is_being_written(tmp_path):
    folder = tmp_path / ".orchestrator-tmp"
    folder.mkdir()
    (folder / ".part-1-0").write_bytes(b"stray")
    (folder / "keep.txt").write_bytes(b"not ours")
    other_worker = RealFiles()
    live = other_worker.open_temp(folder)
    artifacts = LocalArtifacts(tmp_path, serving(PNG))
    assert artifacts.clean() == 1
    assert sorted(p.name for p in folder.iterdir()) == sorted(["keep.txt", live.path.name])
    other_worker.close(live)
    assert artifacts.clean() == 1


def test_cleaning_a_root_that_does_not_exist_is_fine(tmp_path):
    assert LocalArtifacts(tmp_path / "no", serving(PNG)).clean() == 0


@pytest.fixture
def held_decoder() -> Iterator[Any]:
    """A pool that holds work back until it is told to go on."""
    gate = threading.Event()
    pool = ThreadPoolExecutor(1)
    pool.submit(gate.wait)
    yield pool, gate
    gate.set()
    pool.shutdown()


def test_a_cancelled_download_leaves_no_file_open_or_behind(tmp_path, held_decoder):
    """Handed-over work still owns its file: closing it early could hand its number to another file."""
    pool, gate = held_decoder

    async def play() -> None:
        host = serving(PNG)
        artifacts = LocalArtifacts(tmp_path, host, pool=pool)
        task = asyncio.create_task(artifacts.store(request()))
        while pool._work_queue.empty():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        await asyncio.get_running_loop().run_in_executor(pool, lambda: None)
        await artifacts.aclose()

    asyncio.run(play())
    assert not list((tmp_path / ".orchestrator-tmp").iterdir())
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG


def test_a_download_cancelled_midway_leaves_nothing(tmp_path):
    async def play() -> None:
        started = asyncio.Event()

        class Stuck(Pieces):
            async def __aiter__(self):
                yield PNG[:10]
                started.set()
                await asyncio.Event().wait()

        host = Host(lambda _r: httpx.Response(200, stream=Stuck(b"")))
        artifacts = LocalArtifacts(tmp_path, host)
        task = asyncio.create_task(artifacts.store(request()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await artifacts.aclose()

    asyncio.run(play())
    assert files(tmp_path) == set()
