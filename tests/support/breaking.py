"""Moves that are made to end or to fail at a chosen step."""

import errno
import os

from orchestrator.artifacts.files import NoLinkError, RealFiles

POINTS = (
    "move.decided",
    "move.secured",
    "move.named",
    "move.replaced",
    "move.moved",
    "move.recorded",
    "db.before_commit",
)


class DiesInMove(BaseException):
    """The process ends here."""


class CutAt:
    """Ends the process at the n-th passing of a point; remembers which were passed."""

    def __init__(self, point: str, times: int = 1) -> None:
        self.point, self.left = point, times
        self.passed: set[str] = set()

    def __call__(self, point: str) -> None:
        self.passed.add(point)
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                raise DiesInMove


class FilesThatFail(RealFiles):
    """Files of which one operation fails, the n-th time that any of its kind is asked for."""

    def __init__(self, operation: str, times: int = 1, code: int = errno.ENOSPC) -> None:
        super().__init__()
        self._left = {operation: times}
        self._code = code
        for name in ("link", "replace", "fsync_dir", "fsync", "open_temp", "make_folder", "remove", "write"):
            setattr(self, name, self._counting(name, getattr(super(), name)))

    def _counting(self, name, genuine):
        def call(*arguments):
            self._left[name] = self._left.get(name, 0) - 1
            if self._left[name] == 0:
                raise OSError(self._code, os.strerror(self._code), "a file")
            return genuine(*arguments)

        return call


class QuickFiles(RealFiles):
    """Files that are durable soon enough for a test."""

    def fsync(self, temp):
        """Nothing."""

    def fsync_dir(self, folder):
        """Nothing."""


class LinklessFiles(RealFiles):
    """A file system without hard links."""

    def link(self, source, final):
        raise NoLinkError(errno.EPERM, "no links here")
