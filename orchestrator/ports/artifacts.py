"""Where outputs are kept, and what comes of storing one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol


@dataclass(frozen=True, slots=True)
class ArtifactRequest:
    """One output to obtain and keep."""

    url: str
    path: str  # relative to the output root, as planned; its extension may be corrected by the real type
    expected_media_type: str  # image/png | image/jpeg | image/webp
    nsfw: bool | None
    known_sha256: str | None = None  # when the database already has it
    sidecar: Mapping[str, Any] = field(default_factory=dict)
    only_sha256: str | None = None  # store these bytes or none, just at `path`, whatever the policy says now
    attempt_id: int = 0
    unproven: str | None = None  # where an earlier try of this download kept aside what it could not prove


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A complete, verified, durable file."""

    path: str  # relative to the output root; under quarantine/ when flagged and the policy says so
    sha256: str
    bytes: int
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """A stored picture that is wanted under another name too."""

    of: "StoredArtifact"
    path: str  # relative to the output root, as planned; flagged ones go to quarantine like what they are of


@dataclass(frozen=True, slots=True)
class DiscardedArtifact:
    """Verified, then not kept: flagged, and the policy is `discard`."""

    sha256: str
    bytes: int
    media_type: str
    width: int
    height: int


class FetchFault(StrEnum):
    """Why an output could not be stored."""

    TRANSIENT = "transient"  # network, 5xx, truncated, timeout: try the same URL again
    GONE = "gone"  # 403, 404, 410: the URL has expired; ask for a fresh one
    BAD_CONTENT = "bad_content"  # arrived whole, but is not the promised picture
    STORAGE = "storage"  # our disk is full, read-only or broken: stop, lose nothing
    COLLISION = "collision"  # the name is taken by different bytes, or cannot be a file: use another place


FETCH_FAULTS: Final = MappingProxyType(
    {
        FetchFault.TRANSIENT: (
            "network failure, 5xx, unexpected status, truncated body, too slow, too many redirects",
            "the same URL is tried again, with growing waits, for as long as the provider keeps outputs",
        ),
        FetchFault.GONE: (
            "403, 404 or 410",
            (
                "the provider is asked for a fresh URL; lost only when several of them, over minutes, "
                "brought nothing, or at once when the task was deleted"
            ),
        ),
        FetchFault.BAD_CONTENT: (
            (
                "HTML, JSON, another image type, undecodable, too large, a URL at an address that downloads "
                "do not go to"
            ),
            (
                "as for `gone`; what came is kept aside as `NAME.unproven`, unless it is empty or text, "
                "until a picture has come that decodes"
            ),
        ),
        FetchFault.STORAGE: (
            "disk full, read-only, no permission, quota, I/O error",
            (
                "this worker buys nothing more until files can be written again; the picture is tried again "
                "all the time, and nothing that was stored is lost"
            ),
        ),
        FetchFault.COLLISION: (
            "the file name is taken by different bytes, or cannot be a file name",
            (
                "the file that is there stays, and the picture is stored next to it as `NAME~JOB.EXT`; when "
                "that cannot be, right under the output root; when none of the three can be, as for "
                "`storage`"
            ),
        ),
    }
)
"""Fault -> (what happened, what follows), as `docs/errors.md` shows it; `worker/pipeline/fetch.py` does
it."""


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """An output that is not stored, and why."""

    fault: FetchFault
    message: str
    unproven: str | None = None  # relative to the output root: what came is kept there, proven by nobody

    @property
    def words(self) -> str:
        """Why, and what there is of it."""
        kept = "" if self.unproven is None else f"; what came is kept as {self.unproven}"
        return f"{self.message}{kept}"


FetchOutcome = StoredArtifact | DiscardedArtifact | FetchFailed


class ArtifactStore(Protocol):
    """Where outputs are kept."""

    async def start(self) -> None:
        """Begin early with what takes a moment before the first output can be stored. Nobody has to call
        it.
        """
        ...

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        """Download, verify, publish and make durable; safe to repeat."""
        ...

    async def copy(self, request: CopyRequest) -> FetchOutcome:
        """Make a copy of a stored picture, verified, durable, with a sidecar that says what it is of; safe to
        repeat. GONE when the picture is not there any more, or is another one.
        """
        ...

    def sidecar(self, path: str) -> Mapping[str, Any] | None:
        """What is recorded with the picture planned for `path`: its task, what was asked for; None
        without one.
        """
        ...

    def clean(self) -> int:
        """Remove stray temporary files of earlier processes; returns how many."""
        ...

    def check_writable(self) -> str | None:
        """None, or why the root cannot take a file now (missing rights, full disk)."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
