"""Are the stored pictures still as they were recorded? What is not can be fetched again, and is never bought.

A file whose bytes have changed may be somebody's work, such as a retouch: it is kept under another name when
the original is put back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import (
    ArtifactRequest,
    ArtifactStore,
    Clock,
    Missing,
    PictureState,
    Prediction,
    Provider,
    Shelf,
    Status,
    StoredArtifact,
)
from orchestrator.store.db.database import Database
from orchestrator.store.views.happened.happening_names import named_job
from orchestrator.store.views.jobs import stored_pictures
from orchestrator.store.views.jobs.stored_pictures import StoredPicture
from orchestrator.store.views.jobs.walk import JobFilter

DAY_MS: Final = 86_400_000


class PictureStanding(StrEnum):
    """How a picture stands after the check."""

    OK = "ok"
    MISSING = "missing"
    CHANGED = "changed"
    UNREADABLE = "unreadable"
    FETCHED = "fetched"  # it was not as recorded, and is again


@dataclass(frozen=True, slots=True)
class Finding:
    """One picture that is not, or was not, as it was recorded."""

    picture: StoredPicture
    standing: PictureStanding
    message: str


@dataclass(slots=True)
class PicturesChecked:
    """How many pictures stand how."""

    checked: int = 0
    missing: int = 0
    changed: int = 0
    unreadable: int = 0
    fetched: int = 0
    without_sidecar: int = 0

    @property
    def wrong(self) -> int:
        """Those that are not as they were recorded."""
        return self.missing + self.changed + self.unreadable

    def add(self, standing: PictureStanding) -> None:
        """Count one more."""
        self.checked += 1
        if standing is not PictureStanding.OK:
            setattr(self, standing.value, getattr(self, standing.value) + 1)


Tell = Callable[[Finding], None]
Progress = Callable[[int], None]
Fetch = Callable[[StoredPicture, PictureState], Finding]


def check_pictures(
    database: Database,
    shelf: Shelf,
    wanted: JobFilter,
    *,
    tell: Tell,
    progress: Progress,
    quick: bool = False,
    fetch: Fetch | None = None,
) -> PicturesChecked:
    """Compare every stored picture of these jobs with its file, page by page; `fetch` gets those that are not
    as they were. `quick` compares sizes alone.
    """
    with database.read() as tx:
        for job_id in wanted.ids:
            named_job(tx, job_id)
    done = PicturesChecked()
    for page in stored_pictures.pages(database, wanted):
        for picture in page:
            state = _state(shelf, picture, quick=quick)
            standing = PictureStanding.OK
            if state is PictureState.SAME:
                done.add(standing)
            else:
                finding = (
                    fetch(picture, state)
                    if fetch
                    else Finding(picture, PictureStanding(state), _WORDS[state])
                )
                standing = finding.standing
                done.add(standing)
                tell(finding)
            if fetch and picture.missing_since is not None and standing in _THERE:
                with database.write() as tx:
                    stored_pictures.note_missing(tx, picture, missing=False)
            done.without_sidecar += not shelf.has_sidecar(picture.path)
        progress(done.checked)
    return done


def check_reused(
    database: Database, shelf: Shelf, run_ids: Sequence[int], *, tell: Tell, fetch: Fetch | None = None
) -> PicturesChecked:
    """Look whether the pictures that reused jobs of these runs point at are there, by their sizes; `fetch`
    gets those that are missing. One that stays so is an attention item, and is never bought by itself.
    """
    done = PicturesChecked()
    for page in stored_pictures.reused_by(database, run_ids):
        for picture in page:
            state = _state(shelf, picture, quick=True)
            standing = PictureStanding.OK if state is PictureState.SAME else PictureStanding(state)
            if state is PictureState.MISSING:
                finding = fetch(picture, state) if fetch else Finding(picture, standing, _WORDS[state])
                standing = finding.standing
                tell(finding)
            done.add(standing)
            is_missing = standing is PictureStanding.MISSING
            if is_missing or picture.missing_since is not None:
                with database.write() as tx:
                    stored_pictures.note_missing(tx, picture, missing=is_missing)
    return done


def _state(shelf: Shelf, picture: StoredPicture, *, quick: bool) -> PictureState:
    """How a picture stands; one whose move was broken off may have its new name already."""
    state = shelf.state(picture.path, sha256=picture.sha256, size=picture.bytes, quick=quick)
    if state is PictureState.SAME or picture.moving_to is None:
        return state
    extension = PurePosixPath(picture.path).suffix
    for place in (picture.moving_to, str(PurePosixPath(picture.moving_to).with_suffix(extension))):
        if shelf.state(place, sha256=picture.sha256, size=picture.bytes) is PictureState.SAME:
            return PictureState.SAME
    return state


class FetchAgain:
    """Gets pictures again from the provider, while it keeps them."""

    def __init__(
        self, database: Database, shelf: Shelf, provider: Provider, artifacts: ArtifactStore, clock: Clock
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._provider = provider
        self._artifacts = artifacts
        self._clock = clock

    async def fetch(self, picture: StoredPicture, state: PictureState) -> Finding:
        """Put the original back where it was recorded; a changed file is kept beside it."""
        standing = PictureStanding(state)
        if state is PictureState.UNREADABLE:
            return Finding(picture, standing, _WORDS[state])
        url = await self._url(picture)
        if isinstance(url, Finding):
            return Finding(picture, standing, url.message)
        aside = None
        try:
            if state is PictureState.CHANGED:
                aside = self._shelf.set_aside(picture.path)
            outcome = await self._artifacts.store(self._request(picture, url))
            if not isinstance(outcome, StoredArtifact):
                if aside is not None:
                    self._shelf.put_back(aside, picture.path)
                message = getattr(outcome, "message", "it was discarded")
                return Finding(picture, standing, f"{_WORDS[state]}; not fetched: {message}")
        except OSError as error:
            return Finding(picture, standing, f"{_WORDS[state]}; not fetched: {error.strerror or error}")
        kept = f"; the changed file is kept as {aside}" if aside is not None else ""
        return Finding(picture, PictureStanding.FETCHED, f"fetched again{kept}")

    async def _url(self, picture: StoredPicture) -> "str | Finding":
        """Where the provider has the picture now; a finding says why there is no such place."""

        def not_there(why: str) -> Finding:
            return Finding(picture, PictureStanding.MISSING, why)

        if picture.prediction_id is None:
            return not_there("its task is not known, so it cannot be fetched again")
        outcome = await self._provider.result(picture.prediction_id)
        match outcome:
            case Prediction(status=Status.COMPLETED) if picture.index < len(outcome.outputs):
                return outcome.outputs[picture.index]
            case Prediction() | Missing():
                return not_there(f"the provider does not have it any more{self._age(picture)}")
            case _:
                return not_there(f"the provider could not be asked ({outcome.message}): try again")

    def _age(self, picture: StoredPicture) -> str:
        if picture.accepted_at is None:
            return ""
        days = (self._clock.now_ms() - picture.accepted_at) // DAY_MS
        return f": it was made {days} days ago, and outputs are kept for {RETENTION_MS // DAY_MS}"

    def _request(self, picture: StoredPicture, url: str) -> ArtifactRequest:
        with self._database.read() as tx:
            said = stored_pictures.sidecar(tx, picture)
        return ArtifactRequest(
            url=url,
            path=picture.path,
            expected_media_type=picture.media_type,
            nsfw=picture.nsfw,
            only_sha256=picture.sha256,
            sidecar=said,
        )


_THERE: Final = frozenset({PictureStanding.OK, PictureStanding.FETCHED})
_WORDS: Final = {
    PictureState.MISSING: "the file is gone",
    PictureState.CHANGED: "the file has other bytes than were stored",
    PictureState.UNREADABLE: "the file cannot be read",
}
