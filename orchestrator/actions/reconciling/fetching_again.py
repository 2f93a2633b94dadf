"""Getting pictures again from the provider, one at a time, for whoever finds some missing.

The connections are made where they are used: a command has no event loop yet, and a tick is expanded in a
thread beside the worker's.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from orchestrator.actions.reconciling.pictures_check import (
    Fetch,
    FetchAgain,
    Finding,
    PicturesChecked,
    PictureStanding,
    check_reused,
)
from orchestrator.ports import ArtifactStore, Clock, PictureState, Provider, Shelf
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs.stored_pictures import StoredPicture

FETCH_SECONDS: Final = 60
"""So long a tick begins to fetch what is missing; the next one goes on. A worker that leaves waits for it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """How to reach the provider and the folder; nothing is opened before it is needed."""

    provider: Callable[[], Provider]
    artifacts: Callable[[], ArtifactStore]


@contextmanager
def fetching(database: Database, shelf: Shelf, sources: Sources, *, clock: Clock) -> Iterator[Fetch]:
    """What fetches one picture at a time, over connections that are opened at the first and stay open."""
    opened: list[Provider | ArtifactStore] = []
    made: list[FetchAgain] = []
    with asyncio.Runner() as runner:

        async def get(picture: StoredPicture, state: PictureState) -> Finding:
            if not made:
                provider, artifacts = sources.provider(), sources.artifacts()
                opened.extend((provider, artifacts))
                made.append(FetchAgain(database, shelf, provider=provider, artifacts=artifacts, clock=clock))
            return await made[0].fetch(picture, state)

        try:
            yield lambda picture, state: runner.run(get(picture, state))
        finally:
            for each in opened:
                runner.run(each.aclose())


@dataclass(frozen=True, slots=True)
class LookAgain:
    """After a tick is applied: what its run points at and is not here is fetched again, as `run` does it."""

    database: Database
    shelf: Callable[[], Shelf]
    clock: Clock
    sources: Sources | None  # None: there is no key, and nothing can be fetched

    def __call__(self, run_id: int) -> PicturesChecked:
        """Look, and fetch; blocks, so it belongs into a thread without an event loop."""
        shelf = self.shelf()
        if self.sources is None:
            return check_reused(self.database, shelf, [run_id], tell=_silent)
        until = self.clock.monotonic() + FETCH_SECONDS
        with fetching(self.database, shelf, self.sources, clock=self.clock) as fetch:

            def in_time(picture: StoredPicture, state: PictureState) -> Finding:
                if self.clock.monotonic() < until:
                    return fetch(picture, state)
                return Finding(picture, PictureStanding(state), "it is fetched by a later tick")

            return check_reused(self.database, shelf, [run_id], tell=_silent, fetch=in_time)


def _silent(_finding: Finding) -> None:
    """Nobody is there: what stays missing is an attention item, what came back an event."""
