"""A claim of 100 jobs, from ten thousand rows to five million: milliseconds, flat or not, and against the
bare driver.

    python -m benchmarks.claim [largest] [rounds]

The bare driver reads and writes the same rows in one transaction, one after the other with ours on the same
database: the limits' row, the slots in use, 100 ready jobs, their attempts, the ledger, the balances, and
what the jobs send. What it leaves out is every decision: pauses, caps, lanes, turns, the rate.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import machine, postgres, table
from benchmarks.fill import MODEL, PRICE_MICROS, FillShape, fill
from orchestrator.runtime.clock import SystemClock, SystemEntropy
from orchestrator.store.account import rate_limits
from orchestrator.store.claiming import claim
from orchestrator.store.db import migrate
from orchestrator.store.db.database import Database

WARM_UP = 5
"""Rounds that are not counted."""
WANT = 100
LEASE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians in milliseconds, while the number of live attempts grows to a few thousand."""

    ours: float
    bare: float


class OurQueue:
    """The claim as a worker makes it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._request = claim.ClaimRequest(
            worker="bench", want=WANT, lease_ms=LEASE_MS, timezone="UTC", token=SystemEntropy().token
        )

    def __call__(self) -> None:
        with self._database.write() as tx:
            (result,) = claim.claim(tx, [self._request])
        assert len(result.claimed) == WANT


class Bare:
    """The same rows through the driver alone."""

    def __init__(self, database: Database) -> None:
        pool = database._writer  # noqa: SLF001 - the same settings
        self._connection: Any = pool.raw_connection().driver_connection
        self._sqlite = database.url.get_backend_name() == "sqlite"

    def __call__(self) -> None:
        now = time.time_ns() // 1_000_000
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self._sqlite else "SELECT 1")
        lock = "" if self._sqlite else " FOR UPDATE"
        cursor.execute(f"SELECT concurrency, submits_per_minute FROM limits WHERE id = 1{lock}").fetchone()
        live = "state IN ('fetching', 'in_doubt', 'in_flight', 'leased', 'submitting')"
        cursor.execute(f"SELECT count(*) FROM attempts WHERE {live}").fetchone()
        ready = cursor.execute(
            "SELECT id, run_id FROM jobs WHERE lane_id = 1 AND queue = 'ready' ORDER BY variation, id LIMIT "
            "100" + ("" if self._sqlite else " FOR UPDATE SKIP LOCKED")
        ).fetchall()
        assert len(ready) == WANT
        (highest,) = cursor.execute("SELECT max(id) FROM attempts").fetchone()
        numbers = range(highest + 1, highest + 1 + WANT)
        self._each(
            cursor,
            "UPDATE jobs SET state = 'running', queue = NULL, attempts = attempts + 1 WHERE id = {}",
            [(job,) for job, _ in ready],
        )
        self._each(
            cursor,
            "INSERT INTO attempts (id, job_id, run_id, campaign_id, number, state, token, worker, epoch, "
            "lease_expires_at, rate_granted_at, leased_at, reservation, day, price_micros) VALUES ({}, {}, "
            "{}, 1, 1, 'leased', {}, 'bare', 1, {}, {}, {}, 'held', '2026-11-24', {})",
            [
                (number, job, run, f"bare-{number}", now, now, now, PRICE_MICROS)
                for number, (job, run) in zip(numbers, ready, strict=True)
            ],
        )
        self._each(
            cursor,
            "INSERT INTO ledger (at, attempt_id, run_id, campaign_id, day, kind, held_delta, spent_delta, "
            "refund_due_delta) VALUES ({}, {}, {}, 1, '2026-11-24', 'reserve', {}, 0, 0)",
            [(now, number, run, PRICE_MICROS) for number, (_, run) in zip(numbers, ready, strict=True)],
        )
        self._each(
            cursor,
            "UPDATE balances SET held_micros = held_micros + {} WHERE scope = {} AND period = {}",
            [
                (WANT * PRICE_MICROS, scope, period)
                for scope in ("account", "campaign", "run")
                for period in ("total", "2026-11", "2026-11-24")
            ],
        )
        self._read_specs(cursor, [job for job, _ in ready])
        self._connection.commit()

    def _read_specs(self, cursor: Any, jobs: list[int]) -> None:
        marks = ", ".join(["?" if self._sqlite else "%s"] * WANT)
        specs = cursor.execute(
            f"SELECT job_id, params, local_images FROM job_specs WHERE job_id IN ({marks})",
            jobs,
        ).fetchall()
        if self._sqlite:  # Postgres' driver does it by itself
            assert len([(json.loads(params), json.loads(images)) for _, params, images in specs]) == WANT

    def _each(self, cursor: Any, statement: str, rows: list[tuple[Any, ...]]) -> None:
        mark = "?" if self._sqlite else "%s"
        cursor.executemany(statement.replace("{}", mark), rows)


def measured(url: str, shape: FillShape, rounds: int) -> Figures:
    """Fill a database, then claim from it."""
    database = Database.open(url, SystemClock())
    try:
        fill(database, shape)
        with database.write() as tx:
            rate_limits.configure(tx, concurrency=10**6, submits_per_minute=10**6)
        other = Database.open(url, SystemClock())
        ours, bare = OurQueue(database), Bare(other)
        figures = [(_milliseconds(ours), _milliseconds(bare)) for _ in range(WARM_UP + rounds)]
        other.close()
    finally:
        database.close()
    counted = figures[WARM_UP:]
    return Figures(median(one for one, _ in counted), median(other for _, other in counted))


def _milliseconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


@contextmanager
def sqlite_url() -> Iterator[str]:
    """An empty file with our tables."""
    with TemporaryDirectory(prefix="bench-claim-") as folder:
        url = f"sqlite:///{Path(folder) / 'orchestrator.db'}"
        migrate.upgrade(url)
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description="Claims, side by side with a bare driver.")
    parser.add_argument("largest", nargs="?", type=int, default=5_000_000, help="jobs; 12,000 or more")
    parser.add_argument("rounds", nargs="?", type=int, default=40)
    parser.add_argument("--only", default="", help="only shapes whose title holds this, such as finished")
    given = parser.parse_args()
    largest, rounds = given.largest, given.rounds
    sizes = [min(jobs, largest) for jobs in (10_000, max(largest // 5, 10_000), largest)]
    shapes = {f"{jobs:,} ready": FillShape(jobs) for jobs in sizes}
    part = min(max(largest // 5, 100_000), largest)
    shapes[f"{part:,}, 90 % finished"] = FillShape(part, finished=0.9)
    shapes[f"{part:,}, 80 % waiting"] = FillShape(part, waiting=0.8)
    shapes = {words: shape for words, shape in shapes.items() if given.only in words}
    rows = []
    with postgres.server() as server:
        for name, place in (("SQLite FULL", sqlite_url), (server.version, server.migrated)):
            first: Figures | None = None
            for words, shape in shapes.items():
                with place() as url:
                    found = measured(url, shape, rounds)
                first = first or found
                flat = table.at_most(found.ours / first.ours, 1.3)
                bare = table.at_most(found.ours / found.bare, 2)
                rows.append([f"{name}, {words}", f"{found.ours:.1f}", f"{found.bare:.1f}", flat, bare])
                print(rows[-1], file=sys.stderr, flush=True)
    print(f"{machine.name()}\nmodel {MODEL}, claims of {WANT}, median of {rounds}\n")
    table.show(["Jobs", "claim, ms", "bare driver, ms", "against the smallest", "claim / bare"], rows)


if __name__ == "__main__":
    main()
