"""Making small pictures beside more important work."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.pictures.thumbnails import NoThumbnailError

WAITING_MAX: Final = 64
NICENESS: Final = 10
REST: Final = 5
"""While pictures arrive faster than they are made small, so many times what one took is rested after it: a
run at full speed gives at most a sixth of a processor to pages."""


class Thumbnailer:
    """One thread of low priority. What it cannot keep up with is left out, and so is what fails: pages make
    what is missing.
    """

    def __init__(self, shelf: ThumbnailShelf) -> None:
        self._shelf = shelf
        self._room = threading.BoundedSemaphore(WAITING_MAX)
        self._closed = threading.Event()
        self._offered = 0
        self._pool = ThreadPoolExecutor(1, "thumbnails", initializer=_yield_to_others)

    def offer(self, sha256: str, source: Path, *, flagged: bool) -> None:
        """Make the small pictures of a stored one soon. Returns at once and raises nothing."""
        self._offered += 1
        if not self._room.acquire(blocking=False):
            return
        try:
            self._pool.submit(self._make, sha256, source, flagged=flagged)
        except RuntimeError:  # it is closed, or no thread can be had
            self._room.release()

    def close(self) -> None:
        """Finish the picture under way; those that wait are left out."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _make(self, sha256: str, source: Path, *, flagged: bool) -> None:
        offered, began = self._offered, time.thread_time()
        try:
            with suppress(NoThumbnailError, OSError, MemoryError):
                self._shelf.add(sha256, source, flagged=flagged)
            if self._offered > offered:
                self._closed.wait(REST * (time.thread_time() - began))
        finally:
            self._room.release()


def _yield_to_others() -> None:
    """Where the system knows priorities of threads, as Linux does."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
