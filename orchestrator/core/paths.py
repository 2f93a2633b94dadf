"""Output paths: what makes two of them one file, and what an output is called when its name is taken.

Nothing that a job wrote is ever overwritten, so whoever comes second gets a name beside the first:
`folder/stem~TAG.extension`. The tag says why, and is made from what nobody else has:

| the name belongs to | seen by | function | tag |
|---|---|---|---|
| an earlier job of the manifest | `apply` | `name_of_later_job` | 8 hex digits of run and job key |
| an earlier attempt of the job | `jobs retry` | `name_of_retry` | `retry-JOB-ATTEMPT` |
| another try of its cell | the move | `name_of_superseded` | `JOB-ATTEMPT`, in `.superseded/` |
| the job that is made once more | `redo` | `name_of_try` | `try-NUMBER` |
| nobody: more pictures than were asked for | the end of a task | `name_of_extra_output` | `extra-JOB-INDEX` |
| a file that no job of this database wrote | the download | `places_of_download` | `JOB` |
| what an earlier attempt kept aside, unproven | the download | `names_of_unproven` | `ATTEMPT` |

The first two are names to begin with: the planned name, the clean one, belongs to the chosen try of its cell
(`core/choice.py`), which moves to it once it is stored.

The tags differ because at each of these moments something else is known and must be told apart: `apply` has
no job id yet, and a job may be retried often. A name that was given is kept in the database or on the disk
and never worked out again, except the last one, which must come out the same after a crash.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

PART_BYTES_MAX: Final = 240
"""The longest file or folder name: file systems take 255, and temporary names and `.json` need room."""

QUARANTINE: Final = "quarantine"
"""The folder of flagged pictures, in the output root: no manifest may name it."""

SUPERSEDED: Final = ".superseded"
"""The folder of the pictures that are not the chosen ones of their cells, beside those that are: no manifest
may name it, since no part of a path begins with a dot."""

UNPROVEN: Final = ".unproven"
"""What the name of a file ends with that was paid for, and could not be proven to be a whole picture."""

EXTENSIONS: Final = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
}
"""Media types of outputs, and the extensions that fit; the first is given to a file whose own does not."""

EARLIER_INDEX: Final = 1_000
"""More outputs than a task ever returns: above it, an index says which attempt an output was kept from."""

COPY_FIRST: Final = 1_000_000_000
"""More than any index of an output that was kept from an earlier attempt: above it, an index says which row
of a manifest asked for a copy."""

COPIES_MAX: Final = 1_000_000
"""Rows that may share one job; an index of more would not fit its column."""


def fold(path: str) -> str:
    """What two paths must not share: their form on a file system that ignores case and composition."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def path_key(path: str) -> bytes:
    """16 bytes over the folded path: equal for two paths that are the same file on some file system."""
    return hashlib.sha256(fold(path).encode("utf-8", "surrogatepass")).digest()[:16]


def name_of_later_job(path: str, *, run_key: str, job_key: str) -> str:
    """For a job whose planned `path` an earlier job of its manifest owns: after an edit, or in another
    run.
    """
    return _beside(path, hashlib.sha256(f"{run_key}\n{job_key}".encode()).hexdigest()[:8])


def name_of_retry(path: str, *, job_id: int, attempt: int) -> str:
    """For a job that is made again although attempt number `attempt` stored a picture under `path`."""
    return _beside(path, f"retry-{job_id}-{attempt}")


def name_of_superseded(clean: str, *, job_id: int, attempt: int | None) -> str:
    """For a picture that has the `clean` name no more: by the number of the attempt that brought it; None for
    a copy, and for a picture that is not there yet.
    """
    beside = PurePosixPath(_beside(clean, f"{job_id}-{attempt}" if attempt else str(job_id)))
    return str(beside.parent / SUPERSEDED / beside.name)


def is_superseded(path: str) -> bool:
    """Whether a picture lies where those lie that have their clean name no more."""
    return PurePosixPath(path).parent.name == SUPERSEDED


def is_quarantined(path: str) -> bool:
    """Whether a picture lies where the flagged ones lie."""
    return path.startswith(f"{QUARANTINE}/")


def name_of_try(clean: str, *, number: int) -> str:
    """For try `number` of the cell that has the `clean` name, from 2: until it is the chosen one."""
    return _beside(clean, f"try-{number}")


def name_of_extra_output(first: str, *, job_id: int, index: int) -> str:
    """For an output beyond those that were asked for, beside the `first` one of its job; beside its
    clean name where that one is superseded, since what is named there is no choice.
    """
    pure = PurePosixPath(first)
    beside = str(pure.parent.parent / pure.name) if is_superseded(first) else first
    return _beside(beside, f"extra-{job_id}-{index}")


def places_of_download(path: str, *, job_id: int) -> tuple[str, str, str]:
    """Where a picture may go: as planned, beside it, and right under the root when its folder is no use."""
    beside = _beside(path, str(job_id))
    return path, beside, _fitting(beside.replace("/", "~"), of=path)


def names_of_unproven(path: str, *, attempt_id: int) -> tuple[str, str]:
    """Where what came for `path`, and is no proven picture, is kept aside: under the first name, or under the
    second when another attempt has the first.
    """
    return path + UNPROVEN, _beside(path, str(attempt_id)) + UNPROVEN


def kept_index(index: int, *, attempt: int) -> int:
    """Where output `index` of an earlier attempt is kept, so that `index` is free for the attempts to
    come.
    """
    assert 0 <= index < EARLIER_INDEX <= EARLIER_INDEX * attempt
    return index + EARLIER_INDEX * attempt


def copy_index(number: int, index: int) -> int:
    """Where the copy of output `index` is kept that row `number`, from 1, of a shared job asked for."""
    assert 0 <= index < EARLIER_INDEX
    return COPY_FIRST + EARLIER_INDEX * number + index


def copy_number(kept: int) -> int:
    """Which of the rows that share the job asked for this copy, from 1; 0 for the job's own output."""
    return max(0, kept - COPY_FIRST) // EARLIER_INDEX


def copies_wanted(paths: Mapping[int, str]) -> dict[int, tuple[tuple[int, str], ...]]:
    """The copies among the paths of a job, by the output that they are of."""
    found: dict[int, tuple[tuple[int, str], ...]] = {}
    for kept, path in paths.items():
        if copy_number(kept):
            index, _attempt = index_and_attempt(kept)
            found[index] = (*found.get(index, ()), (kept, path))
    return found


def index_and_attempt(kept: int) -> tuple[int, int | None]:
    """The index of an output in its own attempt, and the number of the earlier attempt that it was kept from;
    None for an output of the present one, and for a copy of it.
    """
    attempt, index = divmod(kept, EARLIER_INDEX)
    return index, None if kept >= COPY_FIRST else attempt or None


def _beside(path: str, tag: str) -> str:
    pure = PurePosixPath(path)
    return str(pure.with_name(_fitting(f"{pure.stem}~{tag}{pure.suffix}", of=path)))


def _fitting(name: str, of: str) -> str:
    """`name`, short enough for a file system; what is cut away is told apart by a digest of the whole
    path.
    """
    if len(name.encode("utf-8", "surrogatepass")) <= PART_BYTES_MAX:
        return name
    stem, _, tail = name.rpartition("~")
    tail = f"~{hashlib.sha256(of.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}~{tail}"
    room = PART_BYTES_MAX - len(tail.encode("utf-8", "surrogatepass"))
    return stem.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore") + tail
