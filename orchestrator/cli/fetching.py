"""Getting pictures again from the provider, for commands that find some missing."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from orchestrator.actions.reconciling import fetching_again
from orchestrator.actions.reconciling.pictures_check import Fetch, Finding, PictureStanding, check_reused
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.rendering.words import count, safe
from orchestrator.ports import Shelf
from orchestrator.settings import api_key


@contextmanager
def not_fetching() -> Iterator[None]:
    """Nothing is fetched."""
    yield None


def fetching(app: App, shelf: Shelf) -> AbstractContextManager[Fetch]:
    """What fetches one picture at a time, over connections that stay open."""
    return fetching_again.fetching(app.database, shelf, app.sources(), clock=app.clock)


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
