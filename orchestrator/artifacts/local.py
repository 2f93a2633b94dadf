"""Outputs in a local folder: a file with a final name is complete, verified and durable."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import httpx

from orchestrator.artifacts.copying import Copier
from orchestrator.artifacts.disk_errors import disk_failure
from orchestrator.artifacts.download import Downloader, DownloadError
from orchestrator.artifacts.existing import existing_artifact
from orchestrator.artifacts.files import FileStore, RealFiles, TempFile, drop
from orchestrator.artifacts.incoming import Incoming
from orchestrator.artifacts.places import (
    TEMP_FOLDER,
    NsfwPolicy,
    UnsafePlaceError,
    possible_places,
    relative_place,
)
from orchestrator.artifacts.publishing import THREADS, Arrived, Publisher
from orchestrator.artifacts.sidecars import read_first
from orchestrator.core.addresses import Nearness
from orchestrator.core.paths import QUARANTINE
from orchestrator.pictures.background import Thumbnailer
from orchestrator.ports import (
    ArtifactRequest,
    CopyRequest,
    Crashpoint,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    no_crash,
)

T = TypeVar("T")


class LocalArtifacts:
    """Implements `orchestrator.ports.ArtifactStore` on a folder.

    Download while hashing, then (in a thread) decode it, sync it to a temporary file in the same tree, and
    give it its final name without ever replacing another file. Repeating any part of this is harmless.
    """

    def __init__(
        self,
        root: Path,
        transport: httpx.AsyncBaseTransport,
        *,
        policy: NsfwPolicy | str = NsfwPolicy.QUARANTINE,
        sidecar: bool = True,
        max_bytes: int = 256 * 1024 * 1024,
        timeout_seconds: float = 300.0,
        connect_seconds: float = 10.0,
        read_seconds: float = 30.0,
        max_redirects: int = 3,
        api: Nearness = Nearness.PUBLIC,
        files: FileStore | None = None,
        crashpoint: Crashpoint = no_crash,
        pool: Executor | None = None,
        thumbnailer: Thumbnailer | None = None,
    ) -> None:
        """`transport` must carry no credentials. `timeout_seconds` bounds one whole download. Outputs may be
        as near as `api` says that the provider is.
        """
        self._root = root
        self._policy = NsfwPolicy(policy)
        self._timeout_seconds = timeout_seconds
        self._files = files or RealFiles()
        self._crashpoint = crashpoint
        self._pool = pool or ThreadPoolExecutor(THREADS, "artifacts")
        self._owns_pool = pool is None
        self._thumbnailer = thumbnailer
        self._downloader = Downloader(
            transport,
            max_bytes=max_bytes,
            max_redirects=max_redirects,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            api=api,
        )
        self._publisher = Publisher(
            root=root,
            files=self._files,
            open_temp=self._open_temp,
            crashpoint=crashpoint,
            pool=self._pool,
            sidecar=sidecar,
            thumbnailer=thumbnailer,
        )
        self._copier = Copier(root, self._files, self._open_temp, sidecar=sidecar)

    async def start(self) -> None:
        """There is nothing to begin with."""

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        """Download, verify, publish and make durable; safe to repeat.

        With `known_sha256`, a file that is already there and has that digest is the answer, without a
        download.
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
        except OSError as error:
            return disk_failure(error, self._root)

    async def copy(self, request: CopyRequest) -> FetchOutcome:
        """Make a copy of a stored picture, verified, durable, with a sidecar; safe to repeat."""
        try:
            return await self._in_thread(partial(self._copier.copy, request, relative_place(request.path)))
        except UnsafePlaceError as error:
            return FetchFailed(FetchFault.COLLISION, f"no usable place for the copy: {error}")
        except OSError as error:
            return disk_failure(error, self._root)

    def sidecar(self, path: str) -> Mapping[str, Any] | None:
        """What the sidecar of the picture planned for `path` says, wherever it was put; None without one."""
        try:
            places = possible_places(relative_place(path))
        except UnsafePlaceError:
            return None
        return read_first(self._root, [*places, *(QUARANTINE / place for place in places)])

    def clean(self) -> int:
        """Remove temporary files whose writer is gone; returns how many. Files that live workers write
        stay.
        """
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
                drop(self._files, temp)
        except OSError as error:
            return disk_failure(error, self._root).message
        return None

    async def aclose(self) -> None:
        """Close connections and threads."""
        await self._downloader.aclose()
        if self._owns_pool:
            self._pool.shutdown()
        if self._thumbnailer is not None:
            self._thumbnailer.close()

    def _place(self, request: ArtifactRequest) -> PurePosixPath:
        place = relative_place(request.path)
        if request.only_sha256 is None and request.nsfw and self._policy is NsfwPolicy.QUARANTINE:
            return QUARANTINE / place
        return place

    async def _fetch(self, request: ArtifactRequest, place: PurePosixPath) -> FetchOutcome:
        incoming = Incoming(self._files, self._open_temp, self._crashpoint)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._downloader.into(incoming, request.url)
        except TimeoutError:
            incoming.drop()
            seconds = self._timeout_seconds
            return FetchFailed(FetchFault.TRANSIENT, f"the download took longer than {seconds:g} s")
        except BaseException:
            incoming.drop()
            raise
        wanted = request.only_sha256
        if wanted not in {None, incoming.sha256}:
            incoming.drop()
            return FetchFailed(FetchFault.BAD_CONTENT, "the provider has other bytes now than were stored")
        discard = wanted is None and bool(request.nsfw) and self._policy is NsfwPolicy.DISCARD
        return await self._publisher.publish(
            Arrived(request=request, place=place, incoming=incoming, discard=discard)
        )

    def _open_temp(self) -> TempFile:
        folder = self._root / TEMP_FOLDER
        try:
            return self._files.open_temp(folder)
        except FileNotFoundError:
            for missing in [p for p in reversed([folder, *folder.parents]) if not p.exists()]:
                self._files.make_folder(missing)
            return self._files.open_temp(folder)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # Shielded: work that was handed over runs to its end, and cleans up, when the waiting task is
        # cancelled.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, work))
