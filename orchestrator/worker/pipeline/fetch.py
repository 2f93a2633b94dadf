"""The download lane: every output of a completed task is stored, verified and recorded. A paid picture is
not given up while there is a way to get it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, assert_never

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.paths import places_of_download
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import (
    ArtifactRequest,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    Prediction,
    Status,
    StoredArtifact,
)
from orchestrator.store.attempts import endings, outputs
from orchestrator.worker.attempt import Activity, InFlight
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses

FRESH_URLS_MAX: Final = 5
FRESH_URLS_SECONDS: Final = 900.0
"""An output whose URLs expire or bring no picture counts as lost only after so many of them and so long a
time: the provider's delivery may be out for a while, and the task is paid for. One whose task was deleted
is lost at once."""

OLD_MS: Final = 3_600_000
OLD_URLS_SECONDS: Final = 300.0
"""Of a task that was accepted so long ago, this time is enough: else workers that drain, and give up
sooner than the time above, would begin anew for ever."""

GIVE_UP_MS: Final = RETENTION_MS + 86_400_000
"""An output that could not be had so long after its task was accepted never will be. A day more than the
provider promises to keep it: nothing says that it is deleted to the minute, trying costs nothing, and the
picture is paid for."""

WAIT_BASE_SECONDS: Final = 0.5
WAIT_CAP_SECONDS: Final = 60.0
STORAGE_WAIT_SECONDS: Final = 10.0


@dataclass(slots=True)
class _Chase:
    """How far the attempts to get one output have come."""

    url: str
    path: str
    began: float  # monotonic
    place: int = 0  # which of the possible places is tried
    tries: int = 0
    fresh_urls: int = 0

    def move(self, places: tuple[str, ...]) -> bool:
        """Try the next place; False, and the first again, when all were tried."""
        self.place = (self.place + 1) % len(places)
        self.path = places[self.place]
        return self.place > 0


class Fetcher:
    """Stores the outputs of completed attempts."""

    def __init__(self, deps: Deps, activity: Activity, account_pauses: AccountPauses) -> None:
        self._deps = deps
        self._activity = activity
        self._pauses = account_pauses
        self._lane = asyncio.Semaphore(deps.settings.limits.downloads)

    async def run(self, flight: InFlight, expected: list[outputs.ExpectedOutput]) -> None:
        """Store every output, then settle the attempt."""
        self._activity.fetching.add(flight.attempt_id)
        try:
            if len(expected) == 1:
                results = [await self._one(flight, expected[0])]
            else:
                results = await asyncio.gather(*(self._one(flight, output) for output in expected))
            stored = tuple((index, kept) for index, kept in results if not isinstance(kept, str))
            lost = tuple((index, why) for index, why in results if isinstance(why, str))
            self._deps.crashpoint("fetch.stored")
            flagged = {output.index for output in expected if output.nsfw}
            row = outputs.Finish(
                attempt_id=flight.attempt_id,
                epoch=flight.epoch,
                stored=stored,
                lost=lost,
                expected=flight.images,
                flagged=sum(1 for index, _ in stored if index in flagged),
            )
            await write_durably(self._deps, endings.finish, row)
            self._deps.crashpoint("fetch.recorded")
        finally:
            self._activity.fetching.discard(flight.attempt_id)

    async def _one(
        self, flight: InFlight, output: outputs.ExpectedOutput
    ) -> tuple[int, StoredArtifact | DiscardedArtifact | str]:
        """Store one output; the text says why it is lost for good."""
        chase = _Chase(output.url, output.path, self._deps.clock.monotonic())
        while True:
            async with self._lane:
                outcome = await self._deps.artifacts.store(self._request(flight, output, chase))
            if not isinstance(outcome, FetchFailed):
                self._activity.stuck_on_storage = self._activity.fetch_trouble = ""
                return output.index, outcome
            if not self._activity.fetch_trouble:
                self._activity.fetched_at = self._deps.clock.monotonic()
            self._activity.fetch_trouble = outcome.message
            chase.tries += 1
            if await self._is_lost(flight=flight, output=output, chase=chase, failure=outcome):
                return output.index, outcome.message

    async def _is_lost(
        self, flight: InFlight, output: outputs.ExpectedOutput, chase: "_Chase", failure: FetchFailed
    ) -> bool:
        """Whether to give up after this failure; if not, returns when it is time to try again."""
        match failure.fault:
            case FetchFault.GONE | FetchFault.BAD_CONTENT:
                if await self._is_gone(flight, output, chase):
                    return True
            case FetchFault.COLLISION:
                # Somebody else's file, or no usable folder: another place keeps both.
                if not chase.move(places_of_download(output.path, job_id=flight.job_id)):
                    await self._wait_for_storage(failure.message)
                return False
            case FetchFault.STORAGE:
                await self._wait_for_storage(failure.message)
                return False
            case FetchFault.TRANSIENT:
                if self._deps.clock.now_ms() - flight.accepted_at > GIVE_UP_MS:
                    return True
            case _:
                assert_never(failure.fault)
        await self._deps.clock.sleep(self._wait(chase.tries))
        return False

    async def _is_gone(self, flight: InFlight, output: outputs.ExpectedOutput, chase: "_Chase") -> bool:
        """Whether no fresh URL can help: the task is gone, or its URLs have brought nothing for long."""
        waited = self._deps.clock.monotonic() - chase.began
        is_old = self._deps.clock.now_ms() - flight.accepted_at > OLD_MS
        enough = OLD_URLS_SECONDS if is_old else FRESH_URLS_SECONDS
        if chase.fresh_urls >= FRESH_URLS_MAX and waited >= enough:
            return True
        chase.fresh_urls += 1
        fresh = await self._fresh_url(flight, output.index)
        chase.url = fresh or chase.url
        return fresh is None

    async def _wait_for_storage(self, message: str) -> None:
        """Our side cannot keep the picture: stop buying until it can."""
        self._activity.stuck_on_storage = message
        await self._pauses.storage(message)
        await self._deps.clock.sleep(STORAGE_WAIT_SECONDS)

    def _wait(self, tries: int) -> float:
        return backoff_seconds(
            tries,
            base_seconds=WAIT_BASE_SECONDS,
            cap_seconds=WAIT_CAP_SECONDS,
            uniform=self._deps.entropy.uniform,
        )

    async def _fresh_url(self, flight: InFlight, index: int) -> str | None:
        """The output's URL as the provider gives it now; empty when it cannot be told; None when the task was
        deleted.

        A 404 tells nothing: the provider has been seen to answer so for tasks that exist.
        """
        outcome = await self._deps.provider.result(flight.prediction_id)
        match outcome:
            case Prediction(status=Status.COMPLETED) if index < len(outcome.outputs):
                return outcome.outputs[index]
            case Prediction(status=Status.DELETED):
                return None
            case _:
                return ""

    def _request(self, flight: InFlight, output: outputs.ExpectedOutput, chase: "_Chase") -> ArtifactRequest:
        media_type = self._deps.facts(flight.model).media_type(flight.params)
        return ArtifactRequest(
            url=chase.url,
            path=chase.path,
            expected_media_type=media_type,
            nsfw=output.nsfw,
            known_sha256=output.sha256,
            sidecar=self._sidecar(flight, output),
        )

    def _sidecar(self, flight: InFlight, output: outputs.ExpectedOutput) -> dict[str, Any]:
        return {
            "job": flight.job_id,
            "attempt": flight.attempt_id,
            "model": flight.model,
            "prediction_id": flight.prediction_id,
            "params": flight.params,
            "local_images": {written: image["sha256"] for written, image in flight.local_images.items()},
            "output_index": output.index,
            "nsfw": output.nsfw,
            "price_micros": flight.price_micros,
            "accepted_at_ms": flight.accepted_at,
            "inference_ms": flight.inference_ms,
        }
