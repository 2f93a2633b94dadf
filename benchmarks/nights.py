"""A plan that looks back: what `regenerate: changed` costs beside a plain plan, over many earlier nights.

    python -m benchmarks.nights [rows] [nights]

On SQLite: the first night has made every picture, each later one points at them. The plain plan is of the
same manifest, in the same database, without a look at earlier nights. Each plan is made in a process of its
own.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from benchmarks import machine, process, stage, table
from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.app import open_app
from orchestrator.core.nights import Regenerate

TARGET = 1.3

MADE = (
    "UPDATE jobs SET state = 'succeeded', queue = NULL, finished_at = created_at",
    "UPDATE outputs SET state = 'stored', sha256 = 'x', stored_path = path",
)
RUN = (
    "INSERT INTO runs (id, campaign_id, name, run_key, model, manifest_path, manifest_sha256, priority, "
    "max_attempts, created_at, applied_at) SELECT :night, campaign_id, name, :key, model, manifest_path, "
    "manifest_sha256, priority, max_attempts, created_at, applied_at FROM runs WHERE id = 1"
)
POINTING = (
    "INSERT INTO jobs (run_id, lane_id, key, ordinal, variation, round, state, images, price_micros, "
    "tries_left, created_at, finished_at, reused_from) SELECT :night, lane_id, key, ordinal, variation, "
    "round, 'reused', images, price_micros, tries_left, created_at, created_at, id FROM jobs WHERE run_id = 1"
)


def earlier_nights(folder: Path, nights: int) -> None:
    """What lies in the database before tonight."""
    with open_app(None, {}, folder) as app:
        file = folder / "bench.yaml"
        apply(app.database, load_manifests([file], app.settings, app.clock.now_ms(), run_key="night-1"))
        with app.database.write() as tx:
            for statement in MADE:
                tx.conn.execute(text(statement))
        for night in range(2, nights + 1):
            with app.database.write() as tx:
                tx.conn.execute(text(RUN), {"night": night, "key": f"night-{night}"})
                tx.conn.execute(text(POINTING), {"night": night})
        with app.database.write() as tx:
            tx.conn.execute(text("ANALYZE"))


def planning(ready: Callable[[], None], folder: Path, word: str) -> tuple[float, int, int]:
    """Seconds of one plan, reading the manifest included; jobs that it buys, and that it reuses."""
    with open_app(None, {}, folder) as app:
        ready()
        began = time.perf_counter()
        manifests = load_manifests(
            [folder / "bench.yaml"],
            app.settings,
            app.clock.now_ms(),
            run_key="tonight",
            regenerate=Regenerate(word),
        )
        found = plan(manifests, app.settings, app.database)
        return time.perf_counter() - began, found.total("new"), found.total("reused")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A plan that looks back, beside a plain one.")
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("nights", nargs="?", type=int, default=30)
    given = parser.parse_args()
    folder = stage.folder()
    stage.manifest(folder, given.rows)
    earlier_nights(folder, given.nights)
    first, second = (process.run(planning, folder, word) for word in ("all", "changed"))
    plain, looking = first.results[0], second.results[0]
    if (plain[1:], looking[1:]) != ((given.rows, 0), (0, given.rows)):
        raise RuntimeError(f"not what was to be planned: {plain}, {looking}")
    print(f"{machine.name()}\n{given.rows:,} jobs, {given.nights} earlier nights, SQLite\n")
    ratio = looking[0] / plain[0]
    row = [
        f"{plain[0]:.1f}",
        f"{looking[0]:.1f}",
        f"{given.rows / looking[0]:,.0f}",
        table.at_most(ratio, TARGET),
        f"{second.cpu_seconds / first.cpu_seconds:.2f}",
        f"{first.memory_mb:.0f}; {second.memory_mb:.0f}",
    ]
    heads = ["Plan", "plain, s", "changed, s", "jobs/s", "changed / plain", "CPU", "plain; changed, MB"]
    table.show(heads, [["of a night", *row]])


if __name__ == "__main__":
    main()
