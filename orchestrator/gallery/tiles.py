"""What is on the sheet: one tile a picture, and one a failed job."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from orchestrator.core.money import format_usd
from orchestrator.core.states import JobState
from orchestrator.gallery.thumbnails import Thumbnail
from orchestrator.store.db.database import Database
from orchestrator.store.views.job_outputs import OutputRow
from orchestrator.store.views.jobs import JobRow, list_jobs
from orchestrator.store.views.walk import JobFilter

FAILURES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class GalleryPicture:
    """One stored picture with its caption."""

    job: JobRow
    output: OutputRow
    file: Path
    href: str  # relative to the sheet

    @property
    def caption(self) -> str:
        """The prompt."""
        return str(self.job.params.get("prompt", ""))

    @property
    def labels(self) -> list[str]:
        """Tags, then how this picture differs from its neighbours."""
        found = [f"{name} {value}" for name, value in self.job.tags.items()]
        found += [
            str(self.job.params[name]) for name in ("aspect_ratio", "resolution") if name in self.job.params
        ]
        found.append(f"variation {self.job.variation}")
        by = self.output.superseded_by
        return found if by is None else [*found, f"superseded by job {by}"]

    @property
    def facts(self) -> str:
        """Job, size and price."""
        return f"job {self.job.id} · {self.output.width} x {self.output.height} · {price(self.job)}"

    @property
    def words(self) -> str:
        """What the filter looks through."""
        parts = [
            self.caption,
            *self.labels,
            self.output.path or "",
            f"job {self.job.id}",
            self.job.campaign,
            self.job.run,
        ]
        return " ".join([*parts, self.job.name, "flagged" if self.output.nsfw else ""]).casefold()


@dataclass(frozen=True, slots=True)
class Failure:
    """One job that ended without pictures."""

    job: JobRow

    @property
    def caption(self) -> str:
        """The prompt."""
        return str(self.job.params.get("prompt", ""))

    @property
    def words(self) -> str:
        """What the filter looks through."""
        job = self.job
        about = f"job {job.id} {job.campaign} {job.name} {job.run}"
        return f"{self.caption} failed {job.reason} {job.message} {about}".casefold()


Tile = tuple[GalleryPicture, Thumbnail]


def price(job: JobRow) -> str:
    """What one picture of the job costs: the price at which it was bought."""
    return f"${format_usd(job.price_micros // max(1, job.images))}"


def pictures(database: Database, root: Path, sheet: Path, wanted: JobFilter) -> Iterator[GalleryPicture]:
    """Every stored picture, in order of job; a page of jobs at a time."""
    for job in _jobs(database, wanted):
        for output in job.outputs:
            if output.path is not None:
                file = root / output.path
                yield GalleryPicture(job=job, output=output, file=file, href=_href(file, sheet))


def failures(database: Database, wanted: JobFilter) -> list[Failure]:
    """The first failed jobs."""
    if wanted.states and JobState.FAILED not in wanted.states:
        return []
    failed = JobFilter(states=(JobState.FAILED.value,), campaign=wanted.campaign, run=wanted.run)
    with database.read() as tx:
        return [Failure(job) for job in list_jobs(tx, failed, limit=FAILURES_MAX)]


def _jobs(database: Database, wanted: JobFilter) -> Iterator[JobRow]:
    after = 0
    while True:
        with database.read() as tx:
            page = list_jobs(tx, wanted, after_id=after)
        yield from page
        if not page:
            return
        after = page[-1].id


def _href(file: Path, sheet: Path) -> str:
    relative = os.path.relpath(file, sheet.parent)
    return quote(Path(relative).as_posix(), safe="/")
