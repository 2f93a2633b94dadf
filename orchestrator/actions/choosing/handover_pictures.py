"""Pictures as they are handed over: read, compared with what was recorded of them, made by their recipe."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.actions.choosing.handover_names import ToHandOver
from orchestrator.actions.choosing.handover_record import HandoverRecord
from orchestrator.pictures.cooking import RecipeError, make
from orchestrator.pictures.recipes import is_copy

THREADS: Final = 4
GROUP: Final = 32
"""So many made pictures are in memory at once."""


@dataclass(frozen=True, slots=True)
class NotHandedOver:
    """One accepted picture that could not be handed over, and why."""

    job_id: int
    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class MadePicture:
    """One picture as it will be handed over: its bytes, unless they are in the folder already."""

    wanted: ToHandOver
    sha256: str
    size: int
    width: int
    height: int
    source: str  # digest of what it was made from and by
    data: bytes | None

    @property
    def entry(self) -> dict[str, Any]:
        """What is recorded of it in the folder."""
        return {
            "sha256": self.sha256,
            "size": self.size,
            "width": self.width,
            "height": self.height,
            "source": self.source,
            "job": self.wanted.picture.job_id,
            "picture": self.wanted.picture.sha256,
        }


def made(
    root: Path, pictures: Sequence[ToHandOver], *, earlier: HandoverRecord, target: Path | None
) -> Iterator[list[MadePicture | NotHandedOver]]:
    """All of them; some at a time, in order, so that few are in memory."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="recipe") as pool:
        for start in range(0, len(pictures), GROUP):
            group = pictures[start : start + GROUP]
            yield list(pool.map(lambda each: _prepared(root, each, earlier=earlier, target=target), group))


def _prepared(
    root: Path, wanted: ToHandOver, *, earlier: HandoverRecord, target: Path | None
) -> MadePicture | NotHandedOver:
    """The picture by its recipe. The source is compared with what was recorded of it, so that a file which
    somebody has changed or cut is not handed over.
    """
    picture = wanted.picture

    def refused(reason: str) -> NotHandedOver:
        return NotHandedOver(job_id=picture.job_id, file=wanted.file, reason=reason)

    source = _source(wanted)
    if target is not None and (kept := earlier.unchanged(target, wanted.file, source)):
        return MadePicture(wanted=wanted, source=source, data=None, **kept)
    try:
        data = (root / picture.stored_path).read_bytes()
    except OSError as error:
        return refused(
            f"{picture.stored_path} cannot be read ({error.strerror}): orchestrator outputs check --fetch"
        )
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        return refused(
            f"{picture.stored_path} has other bytes than were stored: orchestrator outputs check --fetch"
        )
    width, height = picture.width, picture.height
    if not is_copy(wanted.recipe):
        try:
            made = make(data, wanted.recipe)
        except RecipeError as error:
            return refused(str(error))
        data, width, height = made.data, made.width, made.height
    digest = hashlib.sha256(data).hexdigest()
    return MadePicture(
        wanted, sha256=digest, size=len(data), width=width, height=height, source=source, data=data
    )


def _source(wanted: ToHandOver) -> str:
    """A digest over what a file is made from and by."""
    told = json.dumps([wanted.picture.sha256, asdict(wanted.recipe)], sort_keys=True, default=str)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
