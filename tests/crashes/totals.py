"""Figures of many cycles."""

import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from crashes.crowd import Crowd
from crashes.cycle import CycleReport
from crashes.points import Case
from crashes.verdict import Judgement


class Totals:
    """What all cycles came to; any thread may add."""

    def __init__(self) -> None:
        self.bad: list[int] = []
        self.cycles = 0
        self._lock = threading.Lock()
        self._sum = Judgement()
        self._kills: Counter[str] = Counter()
        self._missed = 0
        self._killed = 0
        self._seconds: list[float] = []
        self._began = time.monotonic()

    def add(self, number: int, case: Case | Crowd, *, report: CycleReport, folder: Path) -> None:
        """One more, said aloud."""
        with self._lock:
            self.cycles += 1
            self._sum += report.verdict
            self._seconds.append(report.seconds_to_finish)
            self._killed += report.killed
            self._missed += len(report.missed)
            self._count(case, Counter(report.missed))
            say(f"{number:5} {report.seconds:5.1f} s  {'BAD ' if report.problems else 'ok  '} {case}")
            if report.problems:
                self.bad.append(number)
                say("\n".join(f"        {problem}" for problem in report.problems))
                say(f"        kept: {folder}")

    def _count(self, case: Case | Crowd, missed: Counter[str]) -> None:
        for kill in map(str, filter(None, case.kills)):
            if missed[kill]:
                missed[kill] -= 1
            else:
                self._kills["by time" if kill.startswith("after") else kill.partition("@")[0]] += 1
        for upset in case.upsets if isinstance(case, Crowd) else ():
            self._kills[f"upset: {upset.what}"] += 1
        for nth in case.lost_commits if isinstance(case, Crowd) else ():
            self._kills["upset: commit without an answer"] += bool(nth)

    def summary(self) -> str:
        """For people."""
        total, spent = self._sum, time.monotonic() - self._began
        kills = "\n".join(f"  {count:5} {name}" for name, count in sorted(self._kills.items()) if count)
        return (
            f"\n{self.cycles} cycles in {spent:.0f} s, {self._killed} workers killed"
            f" ({self._missed} had ended before):\n{kills}\n"
            f"{total.tasks} tasks billed, {total.pictures} pictures on disk, {total.doubted} lost replies "
            "resolved\n"
            f"paid twice {total.double_billed}, lost {total.lost}, cycles with any problem {len(self.bad)}\n"
            f"time of the last worker to finish: median {statistics.median(self._seconds):.1f} s,"
            f" longest {max(self._seconds):.1f} s"
        )


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
