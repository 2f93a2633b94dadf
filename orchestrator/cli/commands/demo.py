"""`orchestrator demo`: a whole batch against the sandbox, ending with a page of pictures."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import click

from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.actions.setup.examples import Written, copy_quickstart
from orchestrator.app import open_app
from orchestrator.cli import out
from orchestrator.cli.asking import asking, pricing
from orchestrator.cli.base import command as declare
from orchestrator.cli.commands.run import Wanted, carry_out
from orchestrator.cli.invocation import Asked
from orchestrator.cli.rendering.plans.plan_text import plan_text
from orchestrator.core.errors import ExitCode, StorageError, UsageError
from orchestrator.sandbox import SandboxConfig, SandboxThread, parse_faults

MARKER = ".orchestrator-demo"
CONFIG = """\
# The demo's own configuration: its database and pictures stay in this folder.
database_url: sqlite:///orchestrator.db
outputs: {root: outputs/}
limits: {level: silver}
worker: {poll_min_seconds: 0.2, poll_max_seconds: 2}
"""
FAULTS = (
    "submit.throttle_retry_after@2",
    "result.error_503@3",
    "download.truncated@2",
    "task.nsfw@4",
)
"""A taste of what goes wrong, all of it mended without help: a full minute, a broken reply, half a
picture, a flag."""


@declare("demo", short_help="See a whole batch run against the sandbox, without a key.")
@click.option("--fresh", is_flag=True, help="Throw the demo's earlier database and pictures away first.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"))
def command(folder: Path, *, fresh: bool) -> ExitCode:
    """Run the example batch in FOLDER (default: demo) against an embedded sandbox. No key, no cost.

    A few things go wrong on purpose, and are mended on the way. Ends with a page that shows every picture.
    """
    folder = folder.absolute()
    _prepare(folder, fresh=fresh)
    config = SandboxConfig(latency_median=0.8, faults=parse_faults(FAULTS))
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxThread(config))
        app = stack.enter_context(
            open_app(folder / "config.yaml", _environment(sandbox.url, config.api_keys[0]), folder)
        )
        manifests = load_manifests([folder / "jobs" / "quickstart.yaml"], app.settings, app.clock.now_ms())
        planned = plan(manifests, app.settings, app.database, ask=asking(app, app.database.clock))
        out.note(plan_text(planned))
        wanted = Wanted(Asked(sandbox=True), page=folder / "gallery.html")
        code = carry_out(app, manifests, wanted, known=pricing(app, planned.prices))
    if not out.as_json():
        out.note("Running it again pays for nothing twice; --fresh starts over.")
    return code


def _prepare(folder: Path, *, fresh: bool) -> None:
    """The folder with its files; refuses one that holds somebody's work."""
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise UsageError(
            f"{folder} is not empty and not an earlier demo's, so it is left alone. Name another folder: "
            "orchestrator demo FOLDER"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
        if fresh:
            _empty(folder)
        copy_quickstart(folder / "jobs", Written())
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The demo cannot write in {folder}: {error.strerror or error}.") from None


def _empty(folder: Path) -> None:
    """Remove what a demo makes, and nothing else."""
    for name in ("orchestrator.db", "orchestrator.db-wal", "orchestrator.db-shm", "gallery.html"):
        (folder / name).unlink(missing_ok=True)
    for name in ("outputs", "jobs"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _environment(url: str, key: str) -> dict[str, str]:
    """The sandbox, and nothing of the user's own configuration."""
    own = {"ORCHESTRATOR_DATABASE_URL", "ORCHESTRATOR_CONFIG"}
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "WAVESPEED_BASE_URL": url, "WAVESPEED_API_KEY": key}
