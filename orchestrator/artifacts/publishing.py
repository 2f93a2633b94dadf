"""From arrived bytes to artifacts: verify, make durable, and give the final name. Blocking; runs in threads.

Pictures that arrive while earlier ones are being synced are published together, step by step: the disk begins
with all of them, each is synced by itself before it gets its name, and a folder is synced once for all the
names that a group put into it. So they share the commits of the file system's journal. There is no linger: a
picture that arrives alone is published at once.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.artifacts.aside import set_aside
from orchestrator.artifacts.existing import holds
from orchestrator.artifacts.files import FileStore, TempFile, drop
from orchestrator.artifacts.incoming import Incoming
from orchestrator.artifacts.places import missing_folders, with_real_extension
from orchestrator.artifacts.sidecars import encoded, sidecar_of
from orchestrator.artifacts.verify import BadPictureError, VerifiedPicture, decode
from orchestrator.pictures.background import Thumbnailer
from orchestrator.ports import (
    ArtifactRequest,
    Crashpoint,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    StoredArtifact,
)
from orchestrator.runtime.handover import Handover, deliver, hand_over

THREADS: Final = 4
"""Groups under way at once: decoding and syncing release the interpreter lock, and file systems sync
several as one."""

GROUP_MAX: Final = 16


@dataclass(slots=True)
class Arrived:
    """A picture that has arrived whole, and where it is to go."""

    request: ArtifactRequest
    place: PurePosixPath
    incoming: Incoming
    discard: bool  # verify it, then keep nothing
    sidecar: TempFile | None = None  # written, without its name


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
        thumbnailer: Thumbnailer | None = None,
    ) -> None:
        self._thumbnailer = thumbnailer
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

        Raises UnsafePlaceError and OSError. The picture is owned here from now on, also when
        the waiter is cancelled: its file is closed when the work is done.
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
            self._offer(group)

    def _publish(self, group: Sequence[Handover[Arrived]]) -> None:
        for step in (self._prepare, self._sync, self._name):
            for each in group:
                _carry_out(step, each)
        self._sync_folders(group)
        for each in group:
            self._expire(each)

    def _prepare(self, each: Handover[Arrived]) -> None:
        """Verify the picture, and let the disk begin with it and its sidecar."""
        arrived = each.work
        incoming = arrived.incoming
        try:
            with incoming.open() as file:
                picture = decode(file)
        except BadPictureError as error:
            each.result = self._unproven(arrived, error)
            return
        if arrived.discard:
            each.result = DiscardedArtifact(
                sha256=incoming.sha256,
                bytes=incoming.length,
                media_type=picture.media_type,
                width=picture.width,
                height=picture.height,
            )
            return
        arrived.place = with_real_extension(arrived.place, picture.media_type)
        self._files.begin_sync(incoming.whole())
        each.result = _stored(arrived.place, incoming, picture)
        if self._sidecar and not sidecar_of(self._root / arrived.place).exists():
            document = {**arrived.request.sidecar, **asdict(each.result), "nsfw": arrived.request.nsfw}
            arrived.sidecar = self._open_temp()
            self._files.write(arrived.sidecar, encoded(document))
            self._files.begin_sync(arrived.sidecar)

    def _unproven(self, arrived: Arrived, error: BadPictureError) -> FetchFailed:
        """What came is no proven picture: it is kept aside, unless a picture would not be kept either."""
        kept = None
        if not arrived.discard:
            kept = set_aside(
                root=self._root,
                files=self._files,
                request=arrived.request,
                place=arrived.place,
                incoming=arrived.incoming,
            )
        return FetchFailed(FetchFault.BAD_CONTENT, str(error), unproven=kept)

    def _sync(self, each: Handover[Arrived]) -> None:
        """Make the content durable, before anything has a final name."""
        self._files.fsync(each.work.incoming.whole())
        if each.work.sidecar is not None:
            self._files.fsync(each.work.sidecar)
        self._crashpoint("artifact.synced")

    def _name(self, each: Handover[Arrived]) -> None:
        """Give the final names, replacing nothing of another's."""
        arrived = each.work
        for folder in missing_folders(self._root, arrived.place):
            self._files.make_folder(folder)
        final = self._root / arrived.place
        if not self._files.publish(arrived.incoming.whole().path, final) and not holds(
            final, arrived.incoming.sha256
        ):
            each.result = FetchFailed(
                FetchFault.COLLISION,
                f"{arrived.place} exists and holds something else; "
                "it was left alone (rename it, or change `output:`)",
            )
            return
        self._crashpoint("artifact.renamed")
        if arrived.sidecar is not None:
            self._files.replace(arrived.sidecar.path, sidecar_of(final))

    def _sync_folders(self, group: Sequence[Handover[Arrived]]) -> None:
        """Make the names durable: one sync for each folder that holds any."""
        named: dict[Path, list[Handover[Arrived]]] = {}
        for each in group:
            if each.error is None and isinstance(each.result, StoredArtifact):
                named.setdefault((self._root / each.result.path).parent, []).append(each)
        for folder, inside in named.items():
            try:
                self._files.fsync_dir(folder)
            except BaseException as error:  # noqa: BLE001 - handed to the waiters
                for each in inside:
                    each.error = error

    def _offer(self, group: Sequence[Handover[Arrived]]) -> None:
        """Let small pictures be made of what is stored. Only now, and elsewhere: nobody waits for them."""
        if self._thumbnailer is None:
            return
        for each in group:
            if each.error is None and isinstance(each.result, StoredArtifact):
                flagged = each.work.request.nsfw is True
                self._thumbnailer.offer(each.result.sha256, self._root / each.result.path, flagged=flagged)

    def _expire(self, each: Handover[Arrived]) -> None:
        try:
            try:
                each.work.incoming.drop()
            finally:
                if each.work.sidecar is not None:
                    drop(self._files, each.work.sidecar)
            if each.error is None and isinstance(each.result, StoredArtifact) and each.work.request.unproven:
                self._files.remove(self._root / each.work.request.unproven)
        except OSError as error:
            each.error = each.error or error


def _carry_out(step: Callable[[Handover[Arrived]], None], each: Handover[Arrived]) -> None:
    """One step with one picture, unless an earlier step failed or there is nothing to keep."""
    if each.error is not None or isinstance(each.result, DiscardedArtifact | FetchFailed):
        return
    try:
        step(each)
    except BaseException as error:  # noqa: BLE001 - handed to the waiter
        each.error = error


def _stored(place: PurePosixPath, incoming: Incoming, picture: VerifiedPicture) -> StoredArtifact:
    return StoredArtifact(
        path=str(place),
        sha256=incoming.sha256,
        bytes=incoming.length,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
    )
