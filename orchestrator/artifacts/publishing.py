"""From arrived bytes to artifacts: verify, make durable, and give the final name. Blocking; runs in threads.

Pictures that arrive while earlier ones are being synced are published together: each is synced by itself before it gets
its name, and a folder is synced once for all the names that a group put into it. There is no linger, so a picture that
arrives alone is published at once.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FileStore, TempFile, drop
from orchestrator.artifacts.incoming import Incoming
from orchestrator.artifacts.pictures import Picture, decode
from orchestrator.artifacts.places import missing_folders, with_real_extension
from orchestrator.handover import Handover, deliver, hand_over
from orchestrator.ports import (
    ArtifactRequest,
    Crashpoint,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    StoredArtifact,
)

THREADS: Final = 4
"""Groups under way at once: decoding and syncing release the interpreter lock, and file systems sync several as one."""

GROUP_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Arrived:
    """A picture that has arrived whole, and where it is to go."""

    request: ArtifactRequest
    place: PurePosixPath
    incoming: Incoming
    discard: bool  # verify it, then keep nothing


class Publisher:
    """Publishes groups of pictures in the threads of a pool."""

    def __init__(
        self,
        root: Path,
        files: FileStore,
        open_temp: Callable[[], TempFile],
        crashpoint: Crashpoint,
        pool: Executor,
        *,
        sidecar: bool,
    ) -> None:
        self._root = root
        self._files = files
        self._open_temp = open_temp
        self._crashpoint = crashpoint
        self._pool = pool
        self._sidecar = sidecar
        self._lock = threading.Lock()
        self._queue: list[Handover[Arrived]] = []
        self._threads = 0

    async def publish(self, arrived: Arrived) -> FetchOutcome:
        """The artifact, complete and durable; or what was there instead.

        Raises BadPictureError, UnsafePlaceError and OSError. The picture is owned here from now on, also when the
        waiter is cancelled: its file is closed when the work is done.
        """
        each = hand_over(arrived)
        with self._lock:
            self._queue.append(each)
            start = self._threads < THREADS
            self._threads += start
        if start:
            self._pool.submit(self._work)
        outcome: FetchOutcome = await each.future
        return outcome

    def _work(self) -> None:
        while True:
            with self._lock:
                group, self._queue = self._queue[:GROUP_MAX], self._queue[GROUP_MAX:]
                if not group:
                    self._threads -= 1
                    return
            self._publish(group)
            deliver(group)

    def _publish(self, group: Sequence[Handover[Arrived]]) -> None:
        named: dict[Path, list[Handover[Arrived]]] = {}  # by folder, what got its name there
        for each in group:
            try:
                each.result = self._name(each.work)
                if isinstance(each.result, StoredArtifact):
                    named.setdefault((self._root / each.result.path).parent, []).append(each)
            except BaseException as error:  # noqa: BLE001 - handed to the waiter
                each.error = error
            finally:
                self._let_go(each)
        for folder, inside in named.items():
            try:
                self._files.fsync_dir(folder)
            except BaseException as error:  # noqa: BLE001 - handed to the waiters
                for each in inside:
                    each.error = error

    def _name(self, arrived: Arrived) -> FetchOutcome:
        """Everything but syncing the folder."""
        incoming = arrived.incoming
        with incoming.open() as file:
            picture = decode(file)
        if arrived.discard:
            return DiscardedArtifact(
                incoming.sha256, incoming.length, picture.media_type, picture.width, picture.height
            )
        place = with_real_extension(arrived.place, picture.media_type)
        temp = incoming.synced()
        self._crashpoint("artifact.synced")
        for folder in missing_folders(self._root, place):
            self._files.make_folder(folder)
        final = self._root / place
        if not self._files.publish(temp.path, final) and not holds(final, incoming.sha256):
            return FetchFailed(
                FetchFault.COLLISION,
                f"{place} exists and holds something else; it was left alone (rename it, or change `output:`)",
            )
        self._crashpoint("artifact.renamed")
        stored = _stored(place, incoming, picture)
        if self._sidecar:
            self._write_sidecar(final, arrived.request, stored)
        return stored

    def _write_sidecar(self, final: Path, request: ArtifactRequest, stored: StoredArtifact) -> None:
        """`<name>.json` beside the picture, unless it is there already."""
        sidecar = final.with_name(final.name + ".json")
        if sidecar.exists():
            return
        document = {**request.sidecar, **asdict(stored), "nsfw": request.nsfw}
        text = (
            "{\n"
            + ",\n".join(f"  {_json(name)}: {_json(value)}" for name, value in document.items())
            + "\n}\n"
        )
        temp = self._open_temp()
        try:
            self._files.write(temp, text.encode("utf-8", "replace"))
            self._files.fsync(temp)
            self._files.replace(temp.path, sidecar)
        finally:
            drop(self._files, temp)

    def _let_go(self, each: Handover[Arrived]) -> None:
        try:
            each.work.incoming.drop()
        except OSError as error:
            each.error = each.error or error


def _json(value: object) -> str:
    # Without `indent` json uses its fast encoder: a line for each entry is readable enough.
    return json.dumps(value, ensure_ascii=False, default=str)


def _stored(place: PurePosixPath, incoming: Incoming, picture: Picture) -> StoredArtifact:
    return StoredArtifact(
        path=str(place),
        sha256=incoming.sha256,
        bytes=incoming.length,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
    )
