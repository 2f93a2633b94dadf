"""The month's statement and the forecast of a database with so many jobs, on SQLite and Postgres: seconds.

    python -m benchmarks.months [jobs] [times] [--only WORDS]

Each is its statements and sums in this process; a command adds its start (see `benchmarks.reads`).
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from sqlalchemy import text

from benchmarks import machine, postgres, scratch, table
from benchmarks.fill import PRICE_MICROS, FillShape, fill, vacuum_analyze
from orchestrator.actions.reconciling.month_statement import month_statement
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db import migrate
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.money import closing
from orchestrator.store.money.closing import Freezing
from orchestrator.store.views.money.forecasts import month_forecasts

MONTH = "2026-11"
BEGAN_MS = 1_793_491_200_000  # 2026-11-01T00:00:00Z
TARGET_SECONDS = 2.0


def _statement(*by: str) -> Callable[[Tx], object]:
    def read(tx: Tx) -> object:
        found = month_statement(tx, MONTH, "UTC", by=by)
        assert not found.wrong, found.wrong
        return found

    return read


def _digest(tx: Tx) -> object:
    return closing.digest(tx, Freezing(0, 10**15))


LOOKS: dict[str, tuple[Callable[[Tx], object], bool]] = {
    "forecast": (lambda tx: month_forecasts(tx, "UTC"), True),
    "statement by campaign": (_statement("campaign"), True),
    "statement by run": (_statement("run"), True),
    "statement by campaign, tag": (_statement("campaign", "tag:client"), False),
    "statement by axis": (_statement("axis:scene"), False),
    "digest of the ledger (closing, audit)": (_digest, False),
}
"""What is measured, and whether it has a target."""


class MonthTook(NamedTuple):
    """Medians in seconds; the processor's are this process's and the server's."""

    wall: float
    cpu: float


def timed(
    database: Database, look: Callable[[Tx], object], times: int, *, server_cpu: Callable[[], float]
) -> MonthTook:
    """The median of some times, after one that fills the caches."""
    walls, cpus = [], []
    for number in range(times + 1):
        began, spent = time.perf_counter(), time.process_time() + server_cpu()
        with database.read() as tx:
            look(tx)
        if number:
            walls.append(time.perf_counter() - began)
            cpus.append(time.process_time() + server_cpu() - spent)
    return MonthTook(median(walls), median(cpus))


def no_server() -> float:
    """SQLite's work is this process's."""
    return 0.0


def measure(
    url: str, jobs: int, times: int, *, only: str, server_cpu: Callable[[], float] = no_server
) -> dict[str, MonthTook]:
    """Fill a database and look at it."""
    database = Database.open(url, SystemClock())
    shape = FillShape(jobs, finished=0.9, failed=0.02, runs=4, outputs=True, tags='{"client": "acme"}')
    fill(database, shape)
    pay(database)
    found = {
        name: timed(database, look, times, server_cpu=server_cpu)
        for name, (look, _) in LOOKS.items()
        if only in name
    }
    database.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What a month's books cost to read.")
    parser.add_argument("jobs", nargs="?", type=int, default=1_000_000)
    parser.add_argument("times", nargs="?", type=int, default=3, help="how often each is read")
    parser.add_argument("--only", default="", help="only looks whose name holds this")
    parser.add_argument("--database", choices=["sqlite", "postgres"], help="only on this one")
    given = parser.parse_args()
    took: dict[str, dict[str, MonthTook]] = {}
    if given.database != "postgres":
        url = f"sqlite:///{scratch.folder() / 'months.db'}"
        migrate.upgrade(url)
        took["SQLite"] = measure(url, given.jobs, given.times, only=given.only)
    if given.database != "sqlite":
        with postgres.server() as server, server.migrated() as url:
            took[server.version] = measure(
                url, given.jobs, given.times, only=given.only, server_cpu=server.cpu_seconds
            )
    print(f"{machine.name()}\n{given.jobs:,} jobs in 4 runs, median of {given.times}\n")
    rows = [
        [
            name,
            *(figure for found in took.values() for figure in _shown(found[name], has_target=has_target)),
        ]
        for name, (_, has_target) in LOOKS.items()
        if given.only in name
    ]
    table.show(["Read", *(f"{name}, {what} s" for name in took for what in ("wall", "CPU"))], rows)


def _shown(took: MonthTook, *, has_target: bool) -> tuple[str, str]:
    """The target is on the processor's seconds, which other work on the machine does not change."""
    cpu = table.at_most(took.cpu, TARGET_SECONDS) if has_target else f"{took.cpu:.2f}"
    return f"{took.wall:.2f}", cpu


def pay(database: Database) -> None:
    """Give every finished job of a filled database its attempt, paid and billed on one of 28 days of November
    2026, its ledger lines, balances and picture; of a failed one the money came back. October is closed.
    """
    with database.write() as tx:
        sqlite = tx.conn.dialect.name == "sqlite"
        if not sqlite:
            tx.conn.execute(text("SET LOCAL session_replication_role = replica"))
        day = (
            "printf('2026-11-%02d', n % 28 + 1)"
            if sqlite
            else "'2026-11-' || lpad((n % 28 + 1)::text, 2, '0')"
        )
        values = {"price": PRICE_MICROS, "began": BEGAN_MS}
        for statement in _STATEMENTS:
            tx.conn.execute(text(statement.replace("{day}", day)), values)
    vacuum_analyze(database)


_STATEMENTS = (
    """
    INSERT INTO attempts (id, job_id, run_id, campaign_id, number, state, token, worker, epoch,
      lease_expires_at, rate_granted_at, leased_at, submitted_at, accepted_at, finished_at, prediction_id,
      reservation, day, price_micros, cost_micros, billed_micros, refunded_micros, billed_at, charged_at,
      refunded_at)
    SELECT n, n, run_id, 1, 1, state, 'token' || n, 'worker', 1, 0, 0, at, at, at, at, 'prediction' || n,
      CASE WHEN state = 'succeeded' THEN 'settled' ELSE 'released' END, {day}, :price,
      CASE WHEN state = 'succeeded' THEN :price END, :price,
      CASE WHEN state = 'succeeded' THEN 0 ELSE :price END, at, at,
      CASE WHEN state = 'succeeded' THEN NULL ELSE at END
    FROM (SELECT id AS n, run_id, state, :began + (id % 28) * 86400000 + 43200000 AS at FROM jobs
      WHERE state IN ('succeeded', 'failed')) AS finished""",
    """
    INSERT INTO ledger (id, at, attempt_id, run_id, campaign_id, day, kind, held_delta, spent_delta,
      refund_due_delta)
    SELECT id * 3, leased_at, id, run_id, campaign_id, day, 'reserve', :price, 0, 0 FROM attempts
    UNION ALL
    SELECT id * 3 + 1, leased_at, id, run_id, campaign_id, day,
      CASE WHEN state = 'succeeded' THEN 'settle' ELSE 'refund_due' END, -:price,
      CASE WHEN state = 'succeeded' THEN :price ELSE 0 END,
      CASE WHEN state = 'succeeded' THEN 0 ELSE :price END
    FROM attempts
    UNION ALL
    SELECT id * 3 + 2, leased_at, id, run_id, campaign_id, day, 'refund_seen', 0, 0, -:price FROM attempts
    WHERE state = 'failed'""",
    """
    INSERT INTO balances (scope, scope_id, period, spent_micros, held_micros, refund_due_micros)
    SELECT scope, id, period, sum(spent_delta), 0, 0 FROM (
      SELECT 'run' AS scope, run_id AS id, day AS period, spent_delta FROM ledger
      UNION ALL SELECT 'campaign', campaign_id, day, spent_delta FROM ledger
      UNION ALL SELECT 'account', 0, day, spent_delta FROM ledger
      UNION ALL SELECT 'run', run_id, '2026-11', spent_delta FROM ledger
      UNION ALL SELECT 'campaign', campaign_id, '2026-11', spent_delta FROM ledger
      UNION ALL SELECT 'account', 0, '2026-11', spent_delta FROM ledger
      UNION ALL SELECT 'run', run_id, 'total', spent_delta FROM ledger
      UNION ALL SELECT 'campaign', campaign_id, 'total', spent_delta FROM ledger
      UNION ALL SELECT 'account', 0, 'total', spent_delta FROM ledger) AS each_of
    GROUP BY scope, id, period""",
    """
    UPDATE outputs SET state = 'stored', attempt_id = job_id, stored_path = path, sha256 = 'ab', nsfw = false
    WHERE job_id IN (SELECT id FROM jobs WHERE state = 'succeeded')""",
    """
    INSERT INTO closed_months (month, ledger_from, ledger_to, lines, spent_micros, open_micros, timezone,
      digest, closed_at, who)
    VALUES ('2026-10', 0, 0, 0, 0, 0, 'UTC', 'of nothing', :began, 'bench')""",
)


if __name__ == "__main__":
    main()
