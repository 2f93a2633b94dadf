"""The long run: `python -m tests.crashes --cycles 200`. Exits with 1 when anything was lost, paid twice or left behind."""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crashes.cycle import Report, run_cycle
from crashes.nursery import Nursery
from crashes.points import AFTER_ANOTHER_KILL, AT_FIRST, Case, drawn
from crashes.verdict import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("--cycles", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn by chance")
    parser.add_argument("--only", default="", help="only cases whose name holds this text")
    chosen = parser.parse_args()
    tally = _Tally()
    with Nursery() as nursery:
        for number, case in enumerate(_cases(chosen.cycles, chosen.seed, chosen.only), start=1):
            folder = Path(tempfile.mkdtemp(prefix="crash-"))
            try:
                report = run_cycle(
                    nursery, folder, case.scenario, case.kills, seed=chosen.seed * 100_000 + number
                )
            except AssertionError as error:
                report = Report(Verdict([f"{type(error).__name__}: {error}"]))
            tally.add(number, case, report, folder)
            if not report.problems:
                shutil.rmtree(folder)
    say(tally.summary())
    return 1 if tally.bad else 0


def _cases(cycles: int, seed: int, only: str) -> list[Case]:
    """Each written case first, then drawn ones: points and times, up to three kills in a row, any work."""
    dice = random.Random(seed)
    cases = [case for case in (*AT_FIRST, *AFTER_ANOTHER_KILL) if only in str(case)][:cycles]
    while len(cases) < cycles:
        case = drawn(dice)
        if only in str(case):
            cases.append(case)
    return cases


class _Tally:
    """Figures of all cycles."""

    def __init__(self) -> None:
        self.bad: list[int] = []
        self._sum = Verdict()
        self._kills: Counter[str] = Counter()
        self._missed = 0
        self._seconds: list[float] = []
        self._began = time.monotonic()

    def add(self, number: int, case: Case, report: Report, folder: Path) -> None:
        self._sum += report.verdict
        self._seconds.append(report.seconds_to_finish)
        self._missed += len(report.missed)
        missed = Counter(report.missed)
        for kill in map(str, case.kills):
            if missed[kill]:
                missed[kill] -= 1
            else:
                self._kills["by time" if kill.startswith("after") else kill.partition("@")[0]] += 1
        say(f"{number:5} {report.seconds:5.1f} s  {'BAD ' if report.problems else 'ok  '} {case}")
        if report.problems:
            self.bad.append(number)
            say("\n".join(f"        {problem}" for problem in report.problems))
            say(f"        kept: {folder}")

    def summary(self) -> str:
        total, spent = self._sum, time.monotonic() - self._began
        kills = "\n".join(f"  {count:5} {name}" for name, count in sorted(self._kills.items()))
        return (
            f"\n{len(self._seconds)} cycles in {spent:.0f} s, {self._kills.total()} workers killed"
            f" ({self._missed} had ended before):\n{kills}\n"
            f"{total.tasks} tasks billed, {total.pictures} pictures on disk, {total.doubted} lost replies resolved\n"
            f"paid twice {total.double_billed}, lost {total.lost}, cycles with any problem {len(self.bad)}\n"
            f"time of the last worker to finish: median {statistics.median(self._seconds):.1f} s,"
            f" longest {max(self._seconds):.1f} s"
        )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
