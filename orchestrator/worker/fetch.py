"""The download lane: every output of a completed task is stored, verified and recorded. A paid picture is not given up
while there is a way to get it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, assert_never

from orchestrator.core.backoff import backoff_seconds
from orchestrator.ports import (
    ArtifactRequest,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    Prediction,
    Status,
    StoredArtifact,
)
from orchestrator.store import endings, pictures
from orchestrator.worker.deps import Deps
from orchestrator.worker.flight import Activity, Flight
from orchestrator.worker.records import keep_trying
from orchestrator.worker.troubles import Troubles

FRESH_URLS_MAX: Final = 5
"""How often a fresh URL is asked for after one expired or brought no picture, before the output counts as lost."""

RETENTION_MS: Final = 8 * 86_400_000
"""The provider keeps outputs for seven days; one that could not be had by then never will be."""

WAIT_BASE_SECONDS: Final = 0.5
WAIT_CAP_SECONDS: Final = 60.0
STORAGE_WAIT_SECONDS: Final = 10.0


@dataclass(slots=True)
class _Chase:
    """How far the attempts to get one output have come."""

    url: str
    path: str
    tries: int = 0
    fresh_urls: int = 0


class Fetcher:
    """Stores the outputs of completed attempts."""

    def __init__(self, deps: Deps, activity: Activity, troubles: Troubles) -> None:
        self._deps = deps
        self._activity = activity
        self._troubles = troubles
        self._lane = asyncio.Semaphore(deps.settings.limits.downloads)

    async def run(self, flight: Flight, expected: list[pictures.ExpectedOutput]) -> None:
        """Store every output, then settle the attempt."""
        self._activity.fetching.add(flight.attempt_id)
        try:
            results = await asyncio.gather(*(self._one(flight, output) for output in expected))
            stored = tuple((index, kept) for index, kept in results if not isinstance(kept, str))
            lost = tuple((index, why) for index, why in results if isinstance(why, str))
            self._deps.crashpoint("fetch.stored")
            flagged = {output.index for output in expected if output.nsfw}
            row = pictures.Finish(
                flight.attempt_id,
                flight.epoch,
                stored,
                lost,
                flight.images,
                flagged=sum(1 for index, _ in stored if index in flagged),
            )
            await keep_trying(self._deps, endings.finish, row)
            self._deps.crashpoint("fetch.recorded")
        finally:
            self._activity.fetching.discard(flight.attempt_id)

    async def _one(
        self, flight: Flight, output: pictures.ExpectedOutput
    ) -> tuple[int, StoredArtifact | DiscardedArtifact | str]:
        """Store one output; the text says why it is lost for good."""
        chase = _Chase(output.url, output.path)
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
            if await self._is_lost(flight, output, chase, outcome):
                return output.index, outcome.message

    async def _is_lost(
        self, flight: Flight, output: pictures.ExpectedOutput, chase: "_Chase", failure: FetchFailed
    ) -> bool:
        """Whether to give up after this failure; if not, returns when it is time to try again."""
        match failure.fault:
            case FetchFault.GONE | FetchFault.BAD_CONTENT:
                if chase.fresh_urls >= FRESH_URLS_MAX:
                    return True
                chase.fresh_urls += 1
                chase.url = await self._fresh_url(flight, output.index) or chase.url
            case FetchFault.COLLISION:
                if chase.path != output.path:
                    return True
                chase.path = _beside(chase.path, flight.job_id)  # somebody else's file: keep both
                return False
            case FetchFault.STORAGE:
                self._activity.stuck_on_storage = failure.message
                await self._troubles.storage(failure.message)
                await self._deps.clock.sleep(STORAGE_WAIT_SECONDS)
                return False
            case FetchFault.TRANSIENT:
                if self._deps.clock.now_ms() - flight.accepted_at > RETENTION_MS:
                    return True
            case _:
                assert_never(failure.fault)
        await self._deps.clock.sleep(self._wait(chase.tries))
        return False

    def _wait(self, tries: int) -> float:
        return backoff_seconds(
            tries,
            base_seconds=WAIT_BASE_SECONDS,
            cap_seconds=WAIT_CAP_SECONDS,
            uniform=self._deps.entropy.uniform,
        )

    async def _fresh_url(self, flight: Flight, index: int) -> str | None:
        outcome = await self._deps.provider.result(flight.prediction_id)
        if (
            isinstance(outcome, Prediction)
            and outcome.status is Status.COMPLETED
            and index < len(outcome.outputs)
        ):
            return outcome.outputs[index]
        return None

    def _request(self, flight: Flight, output: pictures.ExpectedOutput, chase: "_Chase") -> ArtifactRequest:
        media_type = self._deps.facts(flight.model).media_type(flight.params)
        return ArtifactRequest(
            chase.url, chase.path, media_type, output.nsfw, output.sha256, self._sidecar(flight, output)
        )

    def _sidecar(self, flight: Flight, output: pictures.ExpectedOutput) -> dict[str, Any]:
        return {
            "job": flight.job_id,
            "attempt": flight.attempt_id,
            "model": flight.model,
            "prediction_id": flight.prediction_id,
            "params": flight.params,
            "output_index": output.index,
            "nsfw": output.nsfw,
            "price_micros": flight.price_micros,
            "accepted_at_ms": flight.accepted_at,
            "inference_ms": flight.inference_ms,
        }


def _beside(path: str, job_id: int) -> str:
    folder, _, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    named = f"{stem}~{job_id}.{extension}" if dot else f"{name}~{job_id}"
    return f"{folder}/{named}" if folder else named
