"""The bare script: what somebody would write for one evening. Nothing is kept but the pictures.

Each job: POST, wait the task's usual time, poll every second, download, write the file. No ledger, no hash,
no decoding, no fsync; one coroutine a job, at most `IN_FLIGHT` at once and `REQUESTS` talking, since httpx's
own pool gets nowhere when thousands of requests wait in it. The same coroutine is what the other queues run.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.stage import KEY, MODEL
from orchestrator.provider import make_transport
from orchestrator.runtime import event_loop

IN_FLIGHT = 5_000
REQUESTS = 100
DOWNLOADS = 64
STEP_SECONDS = 1.0
"""The official client polls every second."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a job needs to know."""

    url: str
    first_look_seconds: float
    folder: Path


@dataclass(frozen=True, slots=True)
class Lanes:
    """The two clients, and how many requests each may have under way."""

    api: httpx.AsyncClient
    files: httpx.AsyncClient
    asking: asyncio.Semaphore
    fetching: asyncio.Semaphore

    @classmethod
    def ours(cls) -> "Lanes":
        """The orchestrator's own transport."""
        return cls._of(
            *(
                httpx.AsyncClient(transport=make_transport(connections), timeout=600.0)
                for connections in (REQUESTS, DOWNLOADS)
            )
        )

    @classmethod
    def default(cls) -> "Lanes":
        """httpx as it comes, with its pool of 100 connections; patient, so that waiting is no error."""
        return cls._of(httpx.AsyncClient(timeout=600.0), httpx.AsyncClient(timeout=600.0))

    @classmethod
    def _of(cls, api: httpx.AsyncClient, files: httpx.AsyncClient) -> "Lanes":
        api.headers["Authorization"] = f"Bearer {KEY}"
        return cls(api, files, asyncio.Semaphore(REQUESTS), asyncio.Semaphore(DOWNLOADS))

    async def aclose(self) -> None:
        """Close connections."""
        await self.api.aclose()
        await self.files.aclose()


async def one(lanes: Lanes, job: Job, number: int) -> None:
    """Submit, poll, download."""
    body = {"prompt": f"Product number {number} on a table", "images": ["https://example.com/a.png"]}
    async with lanes.asking:
        reply = await lanes.api.post(f"{job.url}/api/v3/{MODEL}", json=body)
    task = reply.json()["data"]["id"]
    await asyncio.sleep(job.first_look_seconds)
    while True:
        async with lanes.asking:
            reply = await lanes.api.get(f"{job.url}/api/v3/predictions/{task}/result")
        data = reply.json()["data"]
        if data["status"] == "completed":
            break
        await asyncio.sleep(STEP_SECONDS)
    async with lanes.fetching:
        picture = await lanes.files.get(data["outputs"][0])
    (job.folder / f"{number}.png").write_bytes(picture.content)


def run(ready: Callable[[], None], job: Job, jobs: int, default: bool, seconds_max: float) -> int:
    """All jobs, or as many as fit in `seconds_max`; returns how many were finished."""
    ready()
    return event_loop.run(_all(job, jobs, default=default, seconds_max=seconds_max))


async def _all(job: Job, jobs: int, *, default: bool, seconds_max: float) -> int:
    lanes = Lanes.default() if default else Lanes.ours()
    room, done = asyncio.Semaphore(IN_FLIGHT), 0

    async def bounded(number: int) -> None:
        nonlocal done
        async with room:
            await one(lanes, job, number)
            done += 1

    work = asyncio.gather(*(bounded(number) for number in range(jobs)))
    with suppress(TimeoutError):
        await asyncio.wait_for(work, seconds_max)
    await lanes.aclose()
    return done
