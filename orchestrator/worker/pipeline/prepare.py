"""Preparing what is sent: local images become hosted URLs, uploaded once per distinct content."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.sending import lacks_picture, sent_inputs
from orchestrator.core.specs import PICTURE, LocalImage
from orchestrator.manifest.inputs.normalizing import CannotConvertError, converted_copy
from orchestrator.ports import (
    KeyRefused,
    Lost,
    NoCredit,
    NotSent,
    Rejected,
    Throttled,
    Uploaded,
    UploadOutcome,
)
from orchestrator.store.account import uploads
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.db.database import Tx
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import read_durably, write_durably
from orchestrator.worker.pipeline.taken_pictures import TakenPictures, changed

HOSTED_LIVES_MS: Final = 24 * 3600 * 1000
"""How long a hosted copy is reused; the provider keeps it longer (the official clients cache it as long)."""

HOSTED_MARGIN_MS: Final = 3600 * 1000
"""A copy must live at least this much longer: the task may queue before the provider fetches it."""


NO_SOURCE: Final = (
    f'"{PICTURE}" stands for the picture of another job, and this database does not know which: apply the '
    "manifest again, which says it"
)
REFUSALS_MAX: Final = 5
REFUSALS_SECONDS: Final = 120.0
"""A picture that the host refuses so often in a row, over so long a time, is a person's."""


REFUSED_WAIT_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """What to send."""

    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InputChanged:
    """A local image is not the one that was planned and priced, so the job cannot be made as planned."""

    message: str


@dataclass(frozen=True, slots=True)
class PictureNotHere:
    """The picture of another job that this one takes is not in the output folder of this worker."""

    message: str


Prepared = (
    Ready | PictureNotHere | InputChanged | Rejected | Throttled | KeyRefused | NoCredit | NotSent | Lost
)


@dataclass(frozen=True, slots=True)
class _Hosted:
    base_url: str
    sha256: str
    url: str


@dataclass(frozen=True, slots=True)
class _Refusals:
    """The picture host has refused one picture so often in a row."""

    outcome: Lost
    count: int
    since: float  # monotonic, like the next one
    not_before: float


class Inputs:
    """Uploads input images: a bounded number at once, and one at a time per distinct content."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._base_url = deps.settings.provider.base_url
        self._uploads = asyncio.Semaphore(deps.settings.limits.uploads)
        self._refusals: dict[str, _Refusals] = {}
        self._by_content: dict[str, asyncio.Lock] = {}
        self._urls: dict[str, tuple[str, int]] = {}  # sha256 -> (url, reusable until, ms)
        self._taken = TakenPictures(deps)

    async def prepare(self, attempt: HeldAttempt) -> Prepared:
        """The inputs with hosted URLs in place of local images, or the first trouble met."""
        local = {written: LocalImage(**image) for written, image in attempt.local_images.items()}
        urls: dict[str, str] = {}
        for written, image in local.items():
            taken = written == PICTURE
            outcome = await self._hosted(await self._taken.found(attempt.job_id, image) if taken else image)
            if taken and isinstance(outcome, InputChanged):
                return PictureNotHere(
                    f"the picture that it takes is not in this output folder ({image.path})"
                )
            if not isinstance(outcome, Uploaded):
                return outcome
            urls[written] = outcome.url
        inputs = sent_inputs(attempt.params, urls)
        return InputChanged(NO_SOURCE) if lacks_picture(inputs) else Ready(inputs)

    async def forget(self, local_images: dict[str, Any]) -> None:
        """The provider could not fetch our hosted copies: upload them afresh next time."""
        for image in local_images.values():
            content = LocalImage(**image).content
            self._urls.pop(content, None)
            await write_durably(self._deps, _forget, _Hosted(self._base_url, content, ""))

    async def _hosted(
        self, image: LocalImage
    ) -> Uploaded | InputChanged | Rejected | Throttled | KeyRefused | NoCredit | NotSent | Lost:
        content = image.content
        async with self._by_content.setdefault(content, asyncio.Lock()):
            until = self._deps.clock.now_ms() + HOSTED_MARGIN_MS
            if (known := await self._known(content, until)) is not None:
                return Uploaded(known)
            if (wrong := await asyncio.to_thread(changed, image)) is not None:
                return InputChanged(wrong)
            outcome = await self._upload(image)
            if isinstance(outcome, Uploaded):
                self._deps.crashpoint("upload.hosted")
                hosted = _Hosted(self._base_url, content, outcome.url)
                await write_durably(self._deps, _remember, hosted)
                self._urls[content] = (outcome.url, self._deps.clock.now_ms() + HOSTED_LIVES_MS)
            return outcome

    async def _upload(self, image: LocalImage) -> UploadOutcome | InputChanged:
        """Upload once. A picture that the host refuses again and again is asked for seldom, whichever job
        wants it, and in the end no more.
        """
        now = self._deps.clock.monotonic()
        before = self._refusals.get(image.sha256)
        if before is not None and now < before.not_before:
            return before.outcome
        async with self._uploads:
            outcome = await self._converted_upload(image)
        if not isinstance(outcome, Lost) or outcome.refused_status is None:
            self._refusals.pop(image.sha256, None)
            return outcome
        count = 1 if before is None else before.count + 1
        since = now if before is None else before.since
        if count >= REFUSALS_MAX and now - since >= REFUSALS_SECONDS:
            del self._refusals[image.sha256]
            return Rejected(
                f"the picture host has refused {Path(image.path).name} {count} times: HTTP "
                f"{outcome.refused_status}",
                http_status=outcome.refused_status,
            )
        retry = self._deps.settings.retry
        wait = backoff_seconds(
            count,
            base_seconds=retry.backoff_base_seconds,
            cap_seconds=min(REFUSED_WAIT_MAX, retry.backoff_cap_seconds),
            uniform=self._deps.entropy.uniform,
        )
        self._refusals[image.sha256] = _Refusals(outcome, count, since=since, not_before=now + wait)
        return outcome

    async def _converted_upload(self, image: LocalImage) -> UploadOutcome | InputChanged:
        """The file, or the converted copy that is sent in its place and lives no longer than its upload."""
        if not image.recipe:
            return await self._deps.provider.upload(image)
        try:
            copy, converted = await asyncio.to_thread(converted_copy, image)
        except CannotConvertError as error:
            return InputChanged(str(error))
        except OSError as error:
            return Lost(f"no converted copy of {image.path} can be written: {error.strerror or error}")
        with copy:
            return await self._deps.provider.upload(converted)

    async def _known(self, sha256: str, until: int) -> str | None:
        url, reusable_until = self._urls.get(sha256, ("", 0))
        if reusable_until >= until:
            return url
        return await read_durably(
            self._deps, lambda tx: uploads.hosted_url(tx, self._base_url, sha256, until=until)
        )


def _remember(tx: Tx, rows: Sequence[_Hosted]) -> list[None]:
    for row in rows:
        uploads.remember(
            tx=tx, base_url=row.base_url, sha256=row.sha256, url=row.url, lives_ms=HOSTED_LIVES_MS
        )
    return [None] * len(rows)


def _forget(tx: Tx, rows: Sequence[_Hosted]) -> list[None]:
    for row in rows:
        uploads.forget(tx, row.base_url, row.sha256)
    return [None] * len(rows)
