"""Runs a command line in this process, with one promise to the disk broken if told so: `victim.py SABOTAGE
ARGUMENT...`."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


def nothing() -> None:
    """The program as it is."""


def synchronous_normal() -> None:
    """SQLite does not sync its log when it commits."""
    from orchestrator.store.db import connections

    configure: Callable[..., Any] = connections.configure_sqlite

    def careless(engine: Any, *, begin: str, pragmas: tuple[str, ...]) -> None:
        configure(engine, begin=begin, pragmas=(*pragmas, "PRAGMA synchronous = NORMAL"))

    connections.configure_sqlite = careless


def no_folder_sync() -> None:
    """The folder of a picture is not synced: its name may be gone."""
    from orchestrator.artifacts.files import RealFiles

    RealFiles.fsync_dir = lambda _self, _folder: None


def no_picture_sync() -> None:
    """A picture is not synced before it gets its final name: it may be empty."""
    from orchestrator.artifacts.files import RealFiles

    RealFiles.fsync = lambda _self, _temp: None


def post_first() -> None:
    """The request leaves before the intent to send it is durable."""
    from orchestrator.store.attempts import lifecycle
    from orchestrator.worker.pipeline.submit import Submitter

    prepare = Submitter._may_send

    async def hasty(self: Any, claimed: Any, ready: Any, stopping: Any) -> Any:
        submit = self._deps.provider.submit

        async def late(model: str, inputs: Any, **options: Any) -> Any:
            outcome = await submit(model, inputs, **options)
            await prepare(self, claimed, ready, stopping)
            return outcome

        self._deps.provider.submit = late
        return SimpleNamespace(may_leave=lambda: True)

    assert lifecycle.begin_submit
    Submitter._may_send = hasty


SABOTAGES = {
    "nothing": nothing,
    "synchronous_normal": synchronous_normal,
    "no_folder_sync": no_folder_sync,
    "no_picture_sync": no_picture_sync,
    "post_first": post_first,
}

if __name__ == "__main__":
    # asyncio's own loop: the trace knows what is sent by the calls that it sends with.
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    SABOTAGES[sys.argv[1]]()
    from orchestrator.cli.main import run

    sys.exit(run(sys.argv[2:]))
