"""Tasks that were paid for, as the sidecars of their pictures tell them."""

from dataclasses import dataclass

from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.core.verdicts import VerdictSource
from orchestrator.store.choosing.verdicts import GivenVerdict


@dataclass(frozen=True, slots=True)
class PaidPicture:
    """One picture of a task, as its sidecar tells it."""

    index: int
    path: str  # as planned
    stored_path: str  # where it lies
    sha256: str
    bytes: int | None
    media_type: str | None
    width: int | None
    height: int | None
    nsfw: bool | None
    stored_at: int


@dataclass(frozen=True, slots=True)
class PaidTask:
    """A task and its pictures, as their sidecars tell them."""

    run: RunSpec
    job: JobSpec
    number: int  # which attempt at its job it was
    prediction_id: str
    day: str  # in which its money counts
    submitted_at: int
    accepted_at: int
    completed_at: int
    inference_ms: int | None
    pictures: tuple[PaidPicture, ...]
    token: str
    choice: GivenVerdict | None = None  # the last word on its job
    redo_of: str | None = None  # the key of the job that its job is a further try of
    redo_by: VerdictSource = VerdictSource.COMMAND
