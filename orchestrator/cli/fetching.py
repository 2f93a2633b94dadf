"""Getting pictures again from the provider, for commands that find some missing."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.actions.reconciling.pictures_check import FetchAgain, Finding, PictureStanding, check_reused
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.rendering.words import count, safe
from orchestrator.ports import ArtifactStore, PictureState, Provider, Shelf
from orchestrator.settings import api_key
from orchestrator.store.views.stored_pictures import StoredPicture

Getter = Callable[[StoredPicture, PictureState], Finding]


@contextmanager
def not_fetching() -> Iterator[None]:
    """Nothing is fetched."""
    yield None


@contextmanager
def fetching(app: App, shelf: Shelf) -> Iterator[Getter]:
    """What fetches one picture at a time, over connections that stay open."""
    with asyncio.Runner() as runner:

        async def opening() -> tuple[Provider, ArtifactStore]:
            return app.provider(), app.artifacts()

        provider, artifacts = runner.run(opening())
        again = FetchAgain(app.database, shelf=shelf, provider=provider, artifacts=artifacts, clock=app.clock)
        try:
            yield lambda picture, state: runner.run(again.fetch(picture, state))
        finally:
            runner.run(_close(provider, artifacts))


async def _close(provider: Provider, artifacts: ArtifactStore) -> None:
    await provider.aclose()
    await artifacts.aclose()


def fetch_reused(app: App, run_ids: list[int]) -> None:
    """Before a run begins: what it points at and is not here is fetched again, while the provider has it."""
    shelf, has_key = app.shelf(), api_key(app.settings, app.env) is not None
    with fetching(app, shelf) if has_key else not_fetching() as getter:
        done = check_reused(app.database, shelf, run_ids, tell=_tell, fetch=getter)
    if done.missing:
        out.warn(
            f"Missing of earlier runs: {count(done.missing, 'picture')}. "
            "Nothing is bought for them by itself: see `orchestrator status`."
        )


def _tell(finding: Finding) -> None:
    word = "ok" if finding.standing is PictureStanding.FETCHED else finding.standing.value
    out.note(f"{word:<10}  {safe(finding.picture.path)}: {safe(finding.message)}")
