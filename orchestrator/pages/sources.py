"""The picture that a product's pictures were made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.store.views.jobs.products import TryRow


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """A local one, known by its content, or an address of the web, which no page loads by itself."""

    name: str
    job_id: int
    sha256: str = ""
    path: Path | None = None  # one that another job has made: relative to the output root
    url: str = ""


def sources_of(row: TryRow) -> list[SourcePicture]:
    """Those of one job, in the order in which they are sent."""
    return list(_found(row))


def _found(row: TryRow) -> Iterator[SourcePicture]:
    wanted = row.params.get("images") or row.params.get("image") or list(row.local_images)
    for written in [wanted] if isinstance(wanted, str) else wanted:
        local = row.local_images.get(written) if isinstance(written, str) else None
        if local is not None:
            path = Path(str(local["path"]))
            yield SourcePicture(name=path.name, job_id=row.id, sha256=str(local["sha256"]), path=path)
        elif isinstance(written, str) and written.startswith(("https://", "http://")):
            yield SourcePicture(
                name=written.rpartition("/")[2][:80] or written[:80], job_id=row.id, url=written[:2000]
            )
