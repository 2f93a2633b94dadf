"""Giving pictures their names at the end of a command, and what is said of it."""

import asyncio
from collections.abc import Sequence

from orchestrator.actions.choosing.moves import Performed, perform
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.rendering.words import count, safe
from orchestrator.core.paths import is_superseded

SHOWN = 5


def move(app: App, job_ids: Sequence[int] | None = None) -> Performed:
    """Move what was decided for the cells of these jobs, or for all, as far as its files are here."""
    return asyncio.run(
        perform(
            app.database,
            app.mover(),
            names=app.stable_names(),
            job_ids=job_ids,
            crashpoint=app.crashpoint,
        )
    )


def tell_moved(done: Performed) -> None:
    """Whose the clean names are now, and what waits."""
    chosen = [(path, job) for (job, _index), path in sorted(done.moved.items()) if not is_superseded(path)]
    for path, job in chosen[:SHOWN]:
        out.answer(f"{safe(path)} is the picture of job {job} now.")
    if len(chosen) > SHOWN:
        out.answer(f"So are {count(len(chosen) - SHOWN, 'further name')} those of the chosen pictures.")
    for path, kept in done.aside:
        out.warn(f"{safe(path)} had been changed by somebody: that file is {safe(kept)} now.")
    for words in dict.fromkeys(done.troubles):
        out.warn(f"{safe(words)}.")
    if done.waiting:
        out.warn(
            f"{count(done.waiting, 'name')} wait for files that are not here or cannot be moved now: a "
            "worker that has them moves them, or `orchestrator outputs move`."
        )
