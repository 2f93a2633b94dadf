"""pgqueuer: one worker on asyncpg, the driver it recommends, in batches of 500."""

import asyncio
import logging
from collections.abc import Callable

import asyncpg
from pgqueuer import AsyncpgPoolDriver, PgQueuer, Queries
from pgqueuer import Job as Queued
from pgqueuer.types import QueueExecutionMode

from benchmarks.script import IN_FLIGHT, Job, Lanes, one
from orchestrator.runtime import event_loop

CHUNK = 1_000
BATCH = 500


def prepare(ready: Callable[[], None], uri: str, jobs: int) -> None:
    """Tables and jobs, enqueued in batches."""
    ready()
    asyncio.run(_prepare(uri, jobs))


def work(ready: Callable[[], None], uri: str, job: Job, _jobs: int) -> None:
    """Run the worker until the queue is empty."""
    logging.disable(logging.WARNING)
    event_loop.run(_work(ready, uri, job))


async def _prepare(uri: str, jobs: int) -> None:
    async with asyncpg.create_pool(uri) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()
        for first in range(0, jobs, CHUNK):
            numbers = range(first, min(first + CHUNK, jobs))
            payloads = [str(number).encode() for number in numbers]
            await queries.enqueue(["edit"] * len(numbers), payloads, [0] * len(numbers))


async def _work(ready: Callable[[], None], uri: str, job: Job) -> None:
    lanes = Lanes.ours()
    async with asyncpg.create_pool(uri) as pool:
        queuer = PgQueuer(AsyncpgPoolDriver(pool))

        @queuer.entrypoint("edit")
        async def edit(queued: Queued) -> None:
            assert queued.payload is not None
            await one(lanes, job, int(queued.payload))

        ready()
        await queuer.run(batch_size=BATCH, mode=QueueExecutionMode.drain, max_concurrent_tasks=IN_FLIGHT)
    await lanes.aclose()
