"""A store of pictures that does as the test says, and keeps the books of what was asked of it."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from orchestrator.ports import (
    ArtifactRequest,
    CopyRequest,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    StoredArtifact,
)


def picture(path: str = "hero/0.png", content: str = "a") -> StoredArtifact:
    """A stored file."""
    return StoredArtifact(
        path=path, sha256=content * 64, bytes=1000, media_type="image/png", width=64, height=64
    )


class FakeArtifacts:
    """Stores everything at once, unless a script says otherwise."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}  # path -> sha256
        self.requests: list[ArtifactRequest] = []
        self.next_stores: deque[FetchFault | FetchFailed] = deque()
        self.copies: list[CopyRequest] = []
        self.next_copies: deque[FetchFault] = deque()
        self.unwritable: str | None = None
        self.closed = False
        self.delay: Callable[[], Awaitable[None]] | None = None  # awaited before each answer

    async def start(self) -> None:
        """It is ready at once."""

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        self.requests.append(request)
        if self.delay is not None:
            await self.delay()
        if self.next_stores:
            fault = self.next_stores.popleft()
            if isinstance(fault, FetchFailed):
                return fault
            return FetchFailed(fault, f"it was {fault}")
        if self.unwritable:
            return FetchFailed(FetchFault.STORAGE, self.unwritable)
        digest = sha256(request.url.partition("?")[0].encode()).hexdigest()
        if self.files.setdefault(request.path, digest) != digest:
            return FetchFailed(FetchFault.COLLISION, "another job's file has this name")
        return StoredArtifact(
            path=request.path,
            sha256=digest,
            bytes=1000,
            media_type=request.expected_media_type,
            width=64,
            height=64,
        )

    async def copy(self, request: CopyRequest) -> FetchOutcome:
        self.copies.append(request)
        if self.next_copies:
            fault = self.next_copies.popleft()
            return FetchFailed(fault, f"the copy was {fault}")
        if self.files.get(request.of.path) != request.of.sha256:
            return FetchFailed(FetchFault.GONE, "what it is of is not there")
        if self.files.setdefault(request.path, request.of.sha256) != request.of.sha256:
            return FetchFailed(FetchFault.COLLISION, "another job's file has this name")
        return replace(request.of, path=request.path)

    def sidecar(self, path: str) -> dict[str, Any] | None:
        """What was said of the picture that is at `path`."""
        said = [dict(request.sidecar) for request in self.requests if request.path == path]
        return said[-1] if path in self.files else None

    def clean(self) -> int:
        return 0

    def check_writable(self) -> str | None:
        return self.unwritable

    async def aclose(self) -> None:
        self.closed = True
