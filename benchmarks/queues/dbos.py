"""DBOS: one process, a workflow for each job and no steps inside it, which is the least that DBOS can be
asked to keep."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig

from benchmarks.script import IN_FLIGHT, Job, Lanes, one

QUEUE = "bench"
POLLING_SECONDS = 0.1
"""How often it looks for jobs to start; a second, its default, would leave it idle between two batches."""


def prepare(ready: Callable[[], None], uri: str, jobs: int) -> None:
    """Tables and jobs, enqueued by its client."""
    ready()
    DBOS(config=_config(uri))
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=IN_FLIGHT, polling_interval_sec=POLLING_SECONDS)
    DBOS.destroy()
    client = DBOSClient(system_database_url=uri)
    for number in range(jobs):
        client.enqueue({"queue_name": QUEUE, "workflow_name": "edit"}, number)
    client.destroy()


def work(ready: Callable[[], None], uri: str, job: Job, jobs: int) -> None:
    """Let it dequeue until every job has run."""
    logging.disable(logging.WARNING)
    lanes, done, finished = Lanes.ours(), 0, threading.Event()

    @DBOS.workflow(name="edit")
    async def edit(number: int) -> None:
        nonlocal done
        await one(lanes, job, number)
        done += 1
        if done == jobs:
            finished.set()

    DBOS(config=_config(uri))
    ready()
    DBOS.launch()
    finished.wait()
    DBOS.destroy(workflow_completion_timeout_sec=10)


def _config(uri: str) -> Any:
    return DBOSConfig(name="bench", system_database_url=uri, log_level="ERROR", run_admin_server=False)
