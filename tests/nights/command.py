"""Months of virtual nights, one for each seed; prints what happened and what broke."""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.databases import SqliteFiles, postgres_server

from .judge import NightViolationError
from .month import Month

DAYS = 31


@contextmanager
def stage(database: str) -> Iterator[object]:
    """Where the databases of months come from."""
    with ExitStack() as stack:
        if database == "postgres":
            yield stack.enter_context(postgres_server())
            return
        yield SqliteFiles(Path(stack.enter_context(tempfile.TemporaryDirectory())))


def month(seed: int, bench, *, days: int = DAYS) -> tuple[str | None, Counter[str]]:
    """What broke in one month, if anything, and what there was."""
    with tempfile.TemporaryDirectory() as folder, bench.fresh_url() as url:
        lived = Month(seed, url, Path(folder), days=days)
        try:
            lived.live()
        except NightViolationError as error:
            return str(error), lived.judge.summary()
        finally:
            summary = lived.judge.summary()
            lived.close()
        return None, summary


def main() -> int:
    """Parse, run, print; 1 when a seed failed."""
    words = argparse.ArgumentParser(prog="python -m tests.nights", description=__doc__)
    words.add_argument("--seeds", type=int, default=20, help="how many")
    words.add_argument("--first", type=int, default=1, help="the first one")
    words.add_argument("--days", type=int, default=DAYS, help="of each month")
    words.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = words.parse_args()
    total: Counter[str] = Counter()
    broken = 0
    with stage(given.database) as bench:
        for seed in range(given.first, given.first + given.seeds):
            failure, found = month(seed, bench, days=given.days)
            total += found
            if failure is not None:
                broken += 1
                print(f"seed {seed}: {failure}", flush=True)
    said = ", ".join(f"{name} {number:,}" for name, number in sorted(total.items()))
    print(f"{given.seeds} months: {said}; violations {broken}")
    return 1 if broken else 0
