"""The orchestrator as a contestant: a project that is ready to be worked on, and a worker in this process."""

from collections.abc import Callable
from pathlib import Path

from benchmarks import stage
from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.app import open_app
from orchestrator.core.states import JobState
from orchestrator.runtime import event_loop
from orchestrator.store.views.runs.progress import run_progress
from orchestrator.worker.stop import Stop


def project(url: str, jobs: int, database_url: str | None = None, **config: str) -> Path:
    """A project folder with `jobs` jobs applied and nothing done yet; without a database URL, on SQLite in
    it."""
    if database_url:
        config["database_url"] = f"'{database_url}'"
    path = stage.folder(url, **config)
    file = stage.manifest(path, jobs)
    with open_app(None, {}, path) as app:
        apply(app.database, load_manifests([file], app.settings, app.clock.now_ms()))
    return path


def work(ready: Callable[[], None], path: Path) -> None:
    """Work until everything is done."""
    with open_app(None, {"WAVESPEED_API_KEY": stage.KEY}, path) as app:
        worker = app.worker()
        ready()
        event_loop.run(worker.run(Stop()))


def check_all_done(path: Path, jobs: int) -> None:
    """Raises RuntimeError unless every job succeeded: a figure counts for nothing otherwise."""
    with open_app(None, {}, path) as app, app.database.read() as tx:
        states = run_progress(tx, None).jobs
    if states[JobState.SUCCEEDED] != jobs:
        raise RuntimeError(f"not every job succeeded: {states}")
