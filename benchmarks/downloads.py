"""Downloads of 2 MB pictures: what the artifact store adds to streaming, hashing and writing.

    python -m benchmarks.downloads [pictures] [at once]

Side by side, each in a process of its own, the same pictures from a sandbox in its own process: the bare
client (the orchestrator's own transport; streams, hashes, writes) and `LocalArtifacts` with everything on:
hash, length, decode, fsync of picture, sidecar and folder, a final name that replaces nothing. The bare
client is also run with the decoding alone added, since that is most of the difference and no implementation
can leave it out and still promise that a picture is whole.
"""

import argparse
import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks import machine, process, stage, table
from benchmarks.script import Lanes
from orchestrator.app import open_app
from orchestrator.artifacts.verify import decode
from orchestrator.ports import ArtifactRequest, StoredArtifact
from orchestrator.provider import make_transport
from orchestrator.runtime import event_loop

PICTURE_BYTES = 2_000_000
TASKS = 40
"""Distinct pictures; they are fetched again and again, so that the sandbox draws and hashes each once."""

BARE, DECODING, OURS = "bare client: stream, hash, write", "the same, and decode", "LocalArtifacts"


async def urls(url: str, tasks: int) -> list[str]:
    """The outputs of some finished tasks."""
    lanes = Lanes.ours()
    body = {"prompt": "x", "images": ["https://example.com/a.png"]}
    found = []
    for _ in range(tasks):
        task = (await lanes.api.post(f"{url}/api/v3/{stage.MODEL}", json=body)).json()["data"]["id"]
        reply = await lanes.api.get(f"{url}/api/v3/predictions/{task}/result")
        found += reply.json()["data"]["outputs"]
    for each in found:
        await lanes.files.get(each)
    await lanes.aclose()
    return found


def bare(
    ready: Callable[[], None], sources: Sequence[str], at_once: int, folder: Path, decoding: bool
) -> None:
    """The client without the store."""
    with ThreadPoolExecutor(4) as pool:

        async def fetch(client: httpx.AsyncClient, number: int, source: str) -> None:
            digest, path = hashlib.sha256(), folder / f"{number}.png"
            async with client.stream("GET", source) as response:
                with path.open("wb") as file:
                    async for piece in response.aiter_raw():
                        digest.update(piece)
                        file.write(piece)
            if decoding:
                await asyncio.get_running_loop().run_in_executor(pool, _decode, path)

        async def run() -> None:
            client = httpx.AsyncClient(transport=make_transport(at_once), timeout=600.0)
            await _all(sources, at_once, lambda number, source: fetch(client, number, source))
            await client.aclose()

        ready()
        event_loop.run(run())


def _decode(path: Path) -> None:
    with path.open("rb") as file:
        decode(file)


def ours(ready: Callable[[], None], sources: Sequence[str], path: Path) -> None:
    """The store as the worker uses it."""
    with open_app(None, {}, path, need_database=False) as app:

        async def run() -> None:
            store = app.artifacts()

            async def fetch(number: int, source: str) -> None:
                request = ArtifactRequest(source, f"{number}.png", "image/png", nsfw=False)
                outcome = await store.store(request)
                assert isinstance(outcome, StoredArtifact), outcome

            await fetch(-1, sources[0])  # a process of its own is there when the first picture has come
            ready()
            await _all(sources, app.settings.limits.downloads, fetch)
            await store.aclose()

        event_loop.run(run())


async def _all(sources: Sequence[str], at_once: int, fetch: Callable[[int, str], Awaitable[None]]) -> None:
    room = asyncio.Semaphore(at_once)

    async def one(number: int, source: str) -> None:
        async with room:
            await fetch(number, source)

    await asyncio.gather(*(one(number, source) for number, source in enumerate(sources)))


def measure(pictures: int, at_once: int) -> dict[str, process.Used]:
    """Everybody, one after the other."""
    used = {}
    with stage.sandbox(fast_picture_bytes=PICTURE_BYTES) as sandbox:
        found = asyncio.run(urls(sandbox.url, min(TASKS, pictures)))
        sources = [found[number % len(found)] for number in range(pictures)]
        limits = f"{{level: ultra, downloads: {at_once}}}"
        for title in (BARE, DECODING, OURS):
            path = stage.folder(sandbox.url, limits=limits)
            if title == OURS:
                used[title] = process.run(ours, sources, path)
            else:
                used[title] = process.run(bare, sources, at_once, path, title == DECODING)
    return used


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description="Downloads of 2 MB pictures, side by side.")
    parser.add_argument("pictures", nargs="?", type=int, default=1_000)
    parser.add_argument("at_once", nargs="?", type=int, default=16)
    given = parser.parse_args()
    used = measure(given.pictures, given.at_once)
    print(f"{machine.name()}\n{given.pictures:,} pictures of 2 MB, {given.at_once} at once\n")
    lines = []
    for title, run in used.items():
        ratio = used[BARE].wall_seconds / run.wall_seconds
        lines.append(
            (
                title,
                f"{given.pictures / run.wall_seconds:,.0f}",
                f"{given.pictures * PICTURE_BYTES / run.wall_seconds / 1e6:,.0f}",
                table.at_least(ratio, 0.8) if title == OURS else f"{ratio:.2f}",
                f"{1000 * run.cpu_seconds / given.pictures:.1f}",
                f"{run.memory_mb:.0f}",
            )
        )
    table.show(("What", "Pictures/s", "MB/s", "Ratio", "CPU ms/picture", "Memory MB"), lines)


if __name__ == "__main__":
    main()
