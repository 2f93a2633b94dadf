"""One disk, shared by all processes: a file is there whole or not at all."""

import asyncio
import random
from dataclasses import replace
from hashlib import sha256
from typing import Any

from orchestrator.ports import (
    ArtifactRequest,
    CellMove,
    CellMoved,
    CopyRequest,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    MovingPicture,
    StoredArtifact,
)

from .account import SimulatedAccount
from .bought import SimulatedTask
from .process import Process


def digest_of(task_id: str, index: int) -> str:
    """The digest of the picture that the provider made."""
    return sha256(f"{task_id}/{index}".encode()).hexdigest()


class SimulatedDisk:
    """Downloads from the provider's output host into a tree of digests."""

    def __init__(self, account: SimulatedAccount, seed: int) -> None:
        self._account = account
        self._dice = random.Random(f"disk {seed}")
        self.files: dict[str, str] = {}  # final path -> digest; a file that is here is complete and durable
        self.overwritten: list[str] = []
        self.aside: dict[str, str] = {}  # task -> where what came of it is kept, no proven picture
        self.mover: Process | None = None  # who moves files at this moment
        self.lost: list[str] = []  # pictures that a move has left nowhere
        self._full_until = 0.0

    async def store(self, request: ArtifactRequest, process: Process) -> FetchOutcome:
        """Download, check, publish: the power may go out before any of it shows."""
        account = self._account
        process.crashpoint("artifact.temp_created")
        await asyncio.sleep(self._dice.uniform(0.05, 2.0))
        await process.step()
        task, index, stamp = _parsed(request.url)
        known = account.tasks.get(task)
        if known is None or account.expired(known):
            return FetchFailed(FetchFault.GONE, "HTTP 404")
        if self._is_lost(known, index):
            if account.plan.lasting_at % 2:
                kept = f"{request.path}.unproven"
                self.aside.setdefault(known.id, kept)
                return FetchFailed(FetchFault.BAD_CONTENT, "half a picture, whatever the URL", kept)
            return FetchFailed(FetchFault.GONE, "no picture, whatever the URL")
        if account.strike("download_transient"):
            return FetchFailed(FetchFault.TRANSIENT, "the connection was reset")
        if stamp == "0" and account.strike("download_gone"):
            return FetchFailed(FetchFault.GONE, "HTTP 403")
        if account.strike("download_bad"):
            return FetchFailed(FetchFault.BAD_CONTENT, "not a picture")
        if account.strike("disk_full"):
            self._full_until = account.now() + self._dice.uniform(1, 120)
        if (full := self.check_writable()) is not None:
            return FetchFailed(FetchFault.STORAGE, full)
        process.crashpoint("artifact.synced")
        path = f"quarantine/{request.path}" if request.nsfw else request.path
        digest = digest_of(task, index)
        if self.files.setdefault(path, digest) != digest:
            return FetchFailed(FetchFault.COLLISION, f"{path} holds something else")
        process.crashpoint("artifact.renamed")
        return StoredArtifact(
            path=path, sha256=digest, bytes=1000, media_type="image/png", width=64, height=64
        )

    def copy(self, request: CopyRequest, process: Process) -> FetchOutcome:
        """Another name for a picture that is here: the power may go out before it has it."""
        process.crashpoint("artifact.synced")
        if self._account.strike("disk_full"):
            self._full_until = self._account.now() + self._dice.uniform(1, 120)
        if (full := self.check_writable()) is not None:
            return FetchFailed(FetchFault.STORAGE, full)
        digest = request.of.sha256
        if self.files.get(request.of.path) != digest:
            return FetchFailed(FetchFault.GONE, f"{request.of.path} is not there")
        path = request.path
        if request.of.path.startswith("quarantine/"):
            path = f"quarantine/{path}"
        if self.files.setdefault(path, digest) != digest:
            return FetchFailed(FetchFault.COLLISION, f"{path} holds something else")
        process.crashpoint("artifact.renamed")
        return replace(request.of, path=path)

    def move(self, wanted: CellMove, process: Process) -> CellMoved:
        """Other names for pictures that are here; the power may go out between any two steps."""
        if (full := self.check_writable()) is not None:
            return CellMoved(trouble=full)
        before = set(self.files.values())
        try:
            return self._move(wanted, process)
        finally:
            self.lost += before - set(self.files.values())

    def _move(self, wanted: CellMove, process: Process) -> CellMoved:
        coming, clean = wanted.coming, wanted.coming.to
        came = self._place(coming, (coming.path, *coming.may_be))
        left = [
            (
                each,
                self._place(each, (each.to, each.path, *each.may_be), but=clean if came == clean else None),
            )
            for each in (*wanted.leaving, *(each for each in wanted.staying if not self._is_there(each)))
        ]
        found_clean = {each.key: clean for each, place in left if place == clean} if came is None else {}
        if came is None:
            left = [(each, place) for each, place in left if place not in {None, clean}]
        for each, place in left:
            if place is not None:
                self.files[each.to] = each.sha256
        process.crashpoint("move.secured")
        if came is not None:
            kept = self.files.get(clean)
            if kept not in {None, coming.sha256, *(each.sha256 for each, place in left if place is not None)}:
                self.files[f"{clean}~changed-{len(self.files)}"] = str(kept)  # nobody knows whose it is
            self.files[clean] = coming.sha256
            if came != clean:
                del self.files[came]
        process.crashpoint("move.replaced")
        places = {each.key: each.to for each, place in left if place is not None}
        for each, place in left:
            for name in (place, each.path, *each.may_be):
                if name not in {None, each.to, clean} and self.files.get(name) == each.sha256:
                    del self.files[name]
        return CellMoved(places=found_clean | places | ({coming.key: clean} if came is not None else {}))

    def _place(self, picture: MovingPicture, names: tuple[str, ...], but: str | None = None) -> str | None:
        return next((name for name in names if name != but and self.files.get(name) == picture.sha256), None)

    def _is_there(self, picture: MovingPicture) -> bool:
        return self.files.get(picture.path) == picture.sha256

    def _is_lost(self, task: SimulatedTask, index: int) -> bool:
        return (
            task.id == self._account.lost
            and index == self._account.plan.lasting_at % task.outputs
            and self._account.lasts("picture")
        )

    def check_writable(self) -> str | None:
        full = self._account.now() < self._full_until and not self._account.quiet
        return "No space left on device." if full else None


def _parsed(url: str) -> tuple[str, int, str]:
    """https://out.example/<task>/<index>.png?<stamp>"""
    task, rest = url.removeprefix("https://out.example/").split("/")
    index, _, stamp = rest.partition(".png?")
    return task, int(index), stamp


def url_of(task_id: str, index: int, stamp: Any = 0) -> str:
    return f"https://out.example/{task_id}/{index}.png?{stamp}"
