"""Pages of the review, as the database grows: the time of the server for each, in this process.

    python -m benchmarks.pages [jobs] [--postgres]

One run with all the jobs, 12 for each product, in a database that holds nothing else: the worst case, since a
page reads one run. The best of three counts; the machine may be a shared one.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from benchmarks import machine, postgres, scratch, table
from benchmarks.fill import FillShape, fill, vacuum_analyze
from orchestrator.pages.sources import sources_of
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs.products import Place
from orchestrator.web.review.asked import ReviewView
from orchestrator.web.review.links import ServedLinks
from orchestrator.web.review.looking import Looking
from orchestrator.web.review.reading import ReviewReading

TARGET_MS = 300


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of the best of three."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return min(found)


def measure(database: Database, jobs: int, root: Path) -> list[tuple[str, str]]:
    """Every page."""
    reading = ReviewReading(database, "UTC")
    looking = Looking(reading, ServedLinks(root, ThumbnailShelf(root)))

    def page(**asked: object) -> Callable[[], object]:
        def work() -> object:
            found = reading.page(ReviewView(1, **asked))  # type: ignore[arg-type]
            return looking._rows(found.matrix, found.reasons) if found else None  # noqa: SLF001

        return work

    middle = Place(f"P{jobs // 24}", 0)
    pages = {
        "the list of runs": reading.all_runs,
        "the first products": page(),
        "products in the middle": page(after=middle),
        "unreviewed, of which there are none": page(show="unseen"),
        "failed, of which there are few": page(show="failed"),
        "a search that finds nothing": page(words="nothing is called so"),
        "one picture": lambda: reading.focus(jobs // 2),
        "rows that are live": lambda: reading.rows(range(1, 12 * 20, 12)),
    }
    return [(title, table.at_most(timed(work), TARGET_MS, " ms")) for title, work in pages.items()]


def judge_all(database: Database) -> None:
    """A verdict on everything: the longest way to the first picture without one."""
    with database.write() as tx:
        tx.conn.execute(text("UPDATE jobs SET verdict = 'accepted' WHERE state = 'succeeded'"))
    vacuum_analyze(database)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description="Pages of the review.")
    parser.add_argument("jobs", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    folder = scratch.folder()
    shape = FillShape(jobs=given.jobs, finished=0.9, failed=0.001, outputs=True)

    def run(url: str) -> None:
        database = Database.open(url, SystemClock())
        fill(database, shape)
        judge_all(database)
        print(f"{machine.name()}\n{given.jobs:,} jobs in one run\n")
        table.show(("Page", "Server"), measure(database, given.jobs, folder))
        database.close()

    if given.postgres:
        with postgres.server() as server, server.migrated() as url:
            run(url)
        return
    url = f"sqlite:///{folder}/orchestrator.db"
    from orchestrator.store.db import migrate

    migrate.upgrade(url)
    run(url)


__all__ = ["main", "measure", "sources_of"]

if __name__ == "__main__":
    main()
