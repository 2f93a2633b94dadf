"""Procrastinate: one worker, as much concurrency as jobs may be in flight, finished jobs kept, as by
default."""

import asyncio
import logging
from collections.abc import Callable

from procrastinate import App, PsycopgConnector
from procrastinate.tasks import Task

from benchmarks.script import IN_FLIGHT, Job, Lanes, one
from orchestrator.runtime import event_loop

CHUNK = 1_000


def prepare(ready: Callable[[], None], uri: str, jobs: int) -> None:
    """Tables and jobs, deferred in batches."""
    ready()
    asyncio.run(_prepare(uri, jobs))


def work(ready: Callable[[], None], uri: str, job: Job, _jobs: int) -> None:
    """Run the worker until it has caught up."""
    logging.disable(logging.WARNING)
    event_loop.run(_work(ready, uri, job))


async def _prepare(uri: str, jobs: int) -> None:
    app, edit = _app(uri, None, None)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, CHUNK):
            numbers = range(first, min(first + CHUNK, jobs))
            await edit.batch_defer_async(*({"number": number} for number in numbers))


async def _work(ready: Callable[[], None], uri: str, job: Job) -> None:
    lanes = Lanes.ours()
    app, _edit = _app(uri, lanes, job)
    async with app.open_async():
        ready()
        await app.run_worker_async(concurrency=IN_FLIGHT, wait=False, install_signal_handlers=False)
    await lanes.aclose()


def _app(uri: str, lanes: Lanes | None, job: Job | None) -> tuple[App, Task]:
    app = App(connector=PsycopgConnector(conninfo=uri))

    @app.task(name="edit")
    async def edit(number: int) -> None:
        assert lanes is not None
        assert job is not None
        await one(lanes, job, number)

    return app, edit
