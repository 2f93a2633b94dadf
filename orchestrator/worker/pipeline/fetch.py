"""Fetching: every output of a completed task is downloaded, verified, stored and recorded.

A paid picture is not given up while there is a way to get it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.paths import places_of_download
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import (
    ArtifactRequest,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    Prediction,
    Status,
)
from orchestrator.store.attempts import endings, outputs
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.copies import Copies
from orchestrator.worker.pipeline.download_health import DownloadHealth
from orchestrator.worker.pipeline.download_turns import DownloadTurns
from orchestrator.worker.pipeline.sidecars import sidecar_of
from orchestrator.worker.pipeline.troubles import TroubleNotes

FRESH_URLS_MAX: Final = 5
FRESH_URLS_SECONDS: Final = 900.0
"""An output whose URLs expire or bring no picture counts as lost only after so many of them and so long a
time: the provider's delivery may be out for a while, and the task is paid for. One whose task was deleted
is lost at once."""

OLD_MS: Final = 3_600_000
OLD_URLS_SECONDS: Final = 300.0
"""Of a task that was accepted so long ago, this time is enough: else workers that drain, and give up
sooner than the time above, would start over for ever."""

GIVE_UP_MS: Final = RETENTION_MS + 86_400_000
"""An output that could not be had so long after its task was accepted never will be. A day more than the
provider promises to keep it: nothing says that it is deleted to the minute, trying costs nothing, and the
picture is paid for."""

WAIT_BASE_SECONDS: Final = 0.5
WAIT_CAP_SECONDS: Final = 60.0
STORAGE_WAIT_SECONDS: Final = 10.0


@dataclass(slots=True)
class _Download:
    """What has been tried so far to get one output."""

    url: str
    path: str
    began: float  # monotonic
    place: int = 0  # which of the possible places is tried
    tries: int = 0
    wait_seconds: float = 0.0  # until the next try
    fresh_urls: int = 0
    unproven: str | None = None  # where what came, and is no proven picture, is kept aside

    def move(self, places: tuple[str, ...]) -> bool:
        """Try the next place; False, and the first again, when all were tried."""
        self.place = (self.place + 1) % len(places)
        self.path = places[self.place]
        return self.place > 0


class Fetcher:
    """Stores the outputs of completed attempts."""

    def __init__(
        self,
        deps: Deps,
        *,
        activity: Activity,
        account_pauses: AccountPauses,
        troubles: TroubleNotes,
        copies: Copies,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        slot_freed: Callable[[], None],
        stored: Callable[[], None],
    ) -> None:
        self.health = DownloadHealth()
        self._deps = deps
        self._activity = activity
        self._pauses = account_pauses
        self._troubles = troubles
        self._copies = copies
        self._spawn = spawn
        self._slot_freed = slot_freed
        self._stored = stored
        self._turns = DownloadTurns(deps.settings.limits.downloads)

    def pressed(self) -> bool:
        """Whether pictures that the provider soon deletes are still to be downloaded."""
        return self._turns.pressed(self._deps.clock.now_ms())

    def start(self, attempt: HeldAttempt, expected: list[outputs.ExpectedOutput]) -> None:
        """Fetch these outputs beside everything else. Their task has ended, so its slot is free."""
        self._activity.fetching.begin(attempt)
        self._spawn(self.run(attempt, expected))
        self._slot_freed()

    async def run(self, attempt: HeldAttempt, expected: list[outputs.ExpectedOutput]) -> None:
        """Store every output, then settle the attempt."""
        self._activity.fetching.begin(attempt)
        try:
            if len(expected) == 1:
                results = [await self._one(attempt, expected[0])]
            else:
                results = await asyncio.gather(*(self._one(attempt, output) for output in expected))
            stored = tuple((index, kept) for index, kept in results if not isinstance(kept, FetchFailed))
            failed = [(index, failure) for index, failure in results if isinstance(failure, FetchFailed)]
            lost = tuple((index, failure.words) for index, failure in failed)
            kept = dict(stored)
            copies = (
                ()
                if lost
                else await self._copies.of_attempt(
                    attempt.job_id, expected, kept, wait_for_storage=self._wait_for_storage
                )
            )
            self._deps.crashpoint("fetch.stored")
            flagged = {output.index for output in expected if output.nsfw}
            row = outputs.Finish(
                attempt_id=attempt.attempt_id,
                epoch=attempt.epoch,
                stored=stored,
                lost=lost,
                expected=attempt.images,
                flagged=sum(1 for index, _ in stored if index in flagged),
                copies=copies,
                unproven={index: failure.unproven for index, failure in failed if failure.unproven},
            )
            await write_durably(self._deps, endings.finish, row)
            self._deps.crashpoint("fetch.recorded")
            self._stored()
        finally:
            self._activity.fetching.end(attempt)
            self._troubles.forget(attempt.attempt_id)

    async def _one(self, attempt: HeldAttempt, output: outputs.ExpectedOutput) -> tuple[int, FetchOutcome]:
        """Store one output; the failure is the last one, when it is lost for good."""
        download = _Download(output.url, output.path, self._deps.clock.monotonic())
        while True:
            async with self._turns.turn(attempt.accepted_at):
                outcome = await self._deps.artifacts.store(self._request(attempt, output, download))
            if not isinstance(outcome, FetchFailed):
                self.health.succeeded()
                self._activity.download_trouble = ""
                return output.index, outcome
            self.health.failed(outcome.message, self._deps.clock.monotonic())
            self._activity.download_trouble = outcome.message
            download.tries += 1
            download.wait_seconds = self._wait(download.tries)
            self._troubles.note(
                attempt, outcome.message, count=download.tries, wait_seconds=download.wait_seconds
            )
            download.unproven = outcome.unproven or download.unproven
            if await self._is_lost(attempt=attempt, output=output, download=download, failure=outcome):
                return output.index, replace(outcome, unproven=download.unproven)

    async def _is_lost(
        self, attempt: HeldAttempt, output: outputs.ExpectedOutput, download: _Download, failure: FetchFailed
    ) -> bool:
        """Whether to give up after this failure; if not, returns when it is time to try again."""
        match failure.fault:
            case FetchFault.GONE | FetchFault.BAD_CONTENT:
                if await self._is_gone(attempt, output, download):
                    return True
            case FetchFault.COLLISION:
                # Somebody else's file, or no usable folder: another place keeps both.
                if not download.move(places_of_download(output.path, job_id=attempt.job_id)):
                    await self._wait_for_storage(failure.message)
                return False
            case FetchFault.STORAGE:
                await self._wait_for_storage(failure.message)
                return False
            case FetchFault.TRANSIENT:
                if self._deps.clock.now_ms() - attempt.accepted_at > GIVE_UP_MS:
                    return True
            case _:
                assert_never(failure.fault)
        await self._deps.clock.sleep(download.wait_seconds)
        return False

    async def _is_gone(
        self, attempt: HeldAttempt, output: outputs.ExpectedOutput, download: _Download
    ) -> bool:
        """Whether no fresh URL can help: the task is gone, or its URLs have brought nothing for long."""
        waited = self._deps.clock.monotonic() - download.began
        is_old = self._deps.clock.now_ms() - attempt.accepted_at > OLD_MS
        enough = OLD_URLS_SECONDS if is_old else FRESH_URLS_SECONDS
        if download.fresh_urls >= FRESH_URLS_MAX and waited >= enough:
            return True
        download.fresh_urls += 1
        fresh = await self._fresh_url(attempt, output.index)
        download.url = fresh or download.url
        return fresh is None

    async def _wait_for_storage(self, message: str) -> None:
        """Our side cannot keep the picture: this worker stops buying until it can."""
        self.health.storage_failed(message)
        await self._pauses.storage.refuse(message)
        await self._deps.clock.sleep(STORAGE_WAIT_SECONDS)

    def _wait(self, tries: int) -> float:
        return backoff_seconds(
            tries,
            base_seconds=WAIT_BASE_SECONDS,
            cap_seconds=WAIT_CAP_SECONDS,
            uniform=self._deps.entropy.uniform,
        )

    async def _fresh_url(self, attempt: HeldAttempt, index: int) -> str | None:
        """The output's URL as the provider gives it now; empty when it gives none; None when the task was
        deleted.

        A 404 proves nothing: the provider has been seen to answer so for tasks that exist.
        """
        outcome = await self._deps.provider.result(attempt.prediction_id)
        match outcome:
            case Prediction(status=Status.COMPLETED) if index < len(outcome.outputs):
                return outcome.outputs[index]
            case Prediction(status=Status.DELETED):
                return None
            case _:
                return ""

    def _request(
        self, attempt: HeldAttempt, output: outputs.ExpectedOutput, download: _Download
    ) -> ArtifactRequest:
        media_type = self._deps.facts(attempt.model).media_type(attempt.params)
        return ArtifactRequest(
            url=download.url,
            path=download.path,
            expected_media_type=media_type,
            nsfw=output.nsfw,
            known_sha256=output.sha256,
            sidecar=sidecar_of(attempt, output),
            attempt_id=attempt.attempt_id,
            unproven=download.unproven,
        )
