"""What processes use, read from /proc: processor time, memory, descriptors."""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Processor seconds of trees of processes, those that have ended included."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._gone = 0.0  # of roots that are no more

    def seconds(self, roots: list[int]) -> float:
        """Of the roots, their children, and all they have waited for."""
        return self._gone + sum(_tree_seconds(pid) for pid in roots)

    def cores(self, roots: list[int]) -> float:
        """How many cores were busy on average since the beginning."""
        return self.seconds(roots) / max(1e-9, time.monotonic() - self._began)

    def bury(self, root: int) -> None:
        """A root is about to end."""
        self._gone += _tree_seconds(root)


def memory_mb(pid: int) -> float:
    """Resident memory of a process that may be gone."""
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0.0


def descriptors(pid: int) -> int:
    """Open files of a process that may be gone."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def _tree_seconds(root: int) -> float:
    stats = [(pid, _read(pid, "stat").rpartition(")")[2].split()) for pid in _pids()]
    seconds = 0.0
    for pid, fields in stats:
        if not fields:
            continue
        own, waited_for = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
        if pid == root:
            seconds += own + waited_for
        elif int(fields[1]) == root:
            seconds += own
    return seconds / TICKS


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _read(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except OSError:
        return ""
