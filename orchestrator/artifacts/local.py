"""Outputs in a local folder: a file with a final name is complete, verified and durable."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import httpx

from orchestrator.artifacts.disk import disk_failure
from orchestrator.artifacts.download import Downloader, DownloadError, Received
from orchestrator.artifacts.existing import existing_artifact, holds
from orchestrator.artifacts.files import FileStore, RealFiles, TempFile
from orchestrator.artifacts.pictures import BadPictureError, Picture, decode
from orchestrator.artifacts.places import (
    QUARANTINE,
    TEMP_FOLDER,
    NsfwPolicy,
    UnsafePlaceError,
    missing_folders,
    possible_places,
    relative_place,
    with_real_extension,
)
from orchestrator.ports import (
    ArtifactRequest,
    Crashpoint,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    StoredArtifact,
    no_crash,
)

T = TypeVar("T")

FINISHERS: Final = 4
"""Threads that decode and sync: both release the interpreter lock."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """What may differ between installations."""

    policy: NsfwPolicy
    sidecar: bool
    timeout_seconds: float


class LocalArtifacts:
    """Implements `orchestrator.ports.ArtifactStore` on a folder.

    Download to a temporary file in the same tree while hashing, then (in a thread) sync it, decode it, and give it its
    final name without ever replacing another file. Repeating any part of this is harmless.
    """

    def __init__(
        self,
        root: Path,
        client: httpx.AsyncClient,
        *,
        policy: NsfwPolicy | str = NsfwPolicy.QUARANTINE,
        sidecar: bool = True,
        max_bytes: int = 256 * 1024 * 1024,
        timeout_seconds: float = 300.0,
        max_redirects: int = 3,
        files: FileStore | None = None,
        crashpoint: Crashpoint = no_crash,
        decode_pool: Executor | None = None,
    ) -> None:
        """`client` must carry no credentials. `timeout_seconds` bounds one whole download."""
        self._root = root
        self._client = client
        self._rules = _Rules(NsfwPolicy(policy), sidecar, timeout_seconds)
        self._files = files or RealFiles()
        self._crashpoint = crashpoint
        self._own_pool = ThreadPoolExecutor(FINISHERS, "artifacts") if decode_pool is None else None
        self._pool = decode_pool or self._own_pool
        self._downloader = Downloader(
            client, self._files, crashpoint, max_bytes=max_bytes, max_redirects=max_redirects
        )

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        """Download, verify, publish and make durable; safe to repeat.

        With `known_sha256`, a file that is already there and has that digest is the answer, without a download.
        """
        try:
            place = self._place(request)
            if request.known_sha256 is not None:
                found = await self._in_thread(
                    partial(existing_artifact, self._root, possible_places(place), request.known_sha256)
                )
                if found is not None:
                    return found
            return await self._fetch(request, place)
        except UnsafePlaceError as error:
            return FetchFailed(FetchFault.COLLISION, f"no usable place for the output: {error}")
        except DownloadError as error:
            return error.failed
        except BadPictureError as error:
            return FetchFailed(FetchFault.BAD_CONTENT, str(error))
        except OSError as error:
            return disk_failure(error, self._root)

    def clean(self) -> int:
        """Remove temporary files whose writer is gone; returns how many. Files that live workers write stay."""
        count = 0
        folder = self._root / TEMP_FOLDER
        if folder.is_dir():
            for path in self._files.strays(folder):
                self._files.remove(path)
                count += 1
        return count

    def check_writable(self) -> str | None:
        """None, or why the root cannot take a file now: a small file is written, synced and removed."""
        try:
            temp = self._open_temp()
            try:
                self._files.write(temp, b"probe")
                self._files.fsync(temp)
            finally:
                self._drop(temp)
        except OSError as error:
            return disk_failure(error, self._root).message
        return None

    async def aclose(self) -> None:
        """Close connections and threads."""
        await self._client.aclose()
        if self._own_pool is not None:
            self._own_pool.shutdown()

    def _place(self, request: ArtifactRequest) -> PurePosixPath:
        place = relative_place(request.path)
        if request.nsfw and self._rules.policy is NsfwPolicy.QUARANTINE:
            return QUARANTINE / place
        return place

    async def _fetch(self, request: ArtifactRequest, place: PurePosixPath) -> FetchOutcome:
        temp = self._open_temp()
        try:
            self._crashpoint("artifact.temp_created")
            async with asyncio.timeout(self._rules.timeout_seconds):
                received = await self._downloader.into(temp, request.url)
        except TimeoutError:
            self._drop(temp)
            seconds = self._rules.timeout_seconds
            return FetchFailed(FetchFault.TRANSIENT, f"the download took longer than {seconds:g} s")
        except BaseException:
            self._drop(temp)
            raise
        return await self._in_thread(partial(self._finish, request, place, temp, received))

    def _finish(
        self, request: ArtifactRequest, place: PurePosixPath, temp: TempFile, received: Received
    ) -> FetchOutcome:
        """From a whole temporary file to an artifact; runs in a thread, which owns the file from here on."""
        try:
            return self._publish(request, place, temp, received)
        finally:
            self._drop(temp)

    def _publish(
        self, request: ArtifactRequest, place: PurePosixPath, temp: TempFile, received: Received
    ) -> FetchOutcome:
        picture = decode(temp.path)
        if request.nsfw and self._rules.policy is NsfwPolicy.DISCARD:
            return DiscardedArtifact(
                received.sha256, received.bytes, picture.media_type, picture.width, picture.height
            )
        place = with_real_extension(place, picture.media_type)
        self._files.fsync(temp)
        self._crashpoint("artifact.synced")
        for folder in missing_folders(self._root, place):
            self._files.make_folder(folder)
        final = self._root / place
        if not self._files.publish(temp.path, final) and not holds(final, received.sha256):
            return FetchFailed(
                FetchFault.COLLISION,
                f"{place} exists and holds something else; it was left alone (rename it, or change `output:`)",
            )
        self._crashpoint("artifact.renamed")
        stored = _stored(place, received, picture)
        if self._rules.sidecar:
            self._write_sidecar(final, request, stored)
        self._files.fsync_dir(final.parent)
        return stored

    def _write_sidecar(self, final: Path, request: ArtifactRequest, stored: StoredArtifact) -> None:
        """`<name>.json` beside the picture, unless it is there already."""
        sidecar = final.with_name(final.name + ".json")
        if sidecar.exists():
            return
        document = {**request.sidecar, **asdict(stored), "nsfw": request.nsfw}
        text = json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"
        temp = self._open_temp()
        try:
            self._files.write(temp, text.encode("utf-8", "replace"))
            self._files.fsync(temp)
            self._files.replace(temp.path, sidecar)
        finally:
            self._drop(temp)

    def _open_temp(self) -> TempFile:
        folder = self._root / TEMP_FOLDER
        try:
            return self._files.open_temp(folder)
        except FileNotFoundError:
            for missing in [p for p in reversed([folder, *folder.parents]) if not p.exists()]:
                self._files.make_folder(missing)
            return self._files.open_temp(folder)

    def _drop(self, temp: TempFile) -> None:
        """Close and remove: after publishing there is nothing left to remove."""
        try:
            self._files.remove(temp.path)
        finally:
            self._files.close(temp)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # Shielded: work that was handed over runs to its end, and cleans up, when the waiting task is cancelled.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, work))


def _stored(place: PurePosixPath, received: Received, picture: Picture) -> StoredArtifact:
    return StoredArtifact(
        path=str(place),
        sha256=received.sha256,
        bytes=received.bytes,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
    )
