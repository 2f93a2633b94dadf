"""The workers, as the database knows them."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, select

from orchestrator.store.account import pauses
from orchestrator.store.account.pauses import Pause
from orchestrator.store.account.worker_stops import WORKER
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts
from orchestrator.store.db.schema import workers as worker_table

LATELY_MS: Final = 60_000
LATEST_ATTEMPTS: Final = 20_000
"""Recent submissions are counted among this many of the newest attempts; no account level allows as many in a
minute."""


@dataclass(frozen=True, slots=True)
class CrewRow:
    """One worker; times in ms by the database's clock."""

    id: str
    host: str
    pid: int
    version: str
    state: str  # running | key_refused | no_credit | storage | list_unreadable | draining | stopped | lost
    since: int  # when that state began
    seen_at: int
    attempts: dict[str, int]  # live ones, by state
    submits: int  # in the last minute
    stopped_by: str | None = None  # why it buys nothing, with what to do


def crew(tx: Tx) -> list[CrewRow]:
    """Every worker that runs or ran lately: running ones first, each group newest first."""
    held = _attempts_by_worker(tx)
    stopped = {pause.name: pause for pause in pauses.in_force(tx) if pause.scope == WORKER}
    submits = _submits_by_worker(tx)
    rows = [
        CrewRow(
            id=row.id,
            host=row.host,
            pid=row.pid,
            version=row.version or "",
            state=state,
            since=since,
            seen_at=row.seen_at,
            attempts=held.get(row.id, {}),
            submits=submits.get(row.id, 0),
            stopped_by=stopped[row.id].message
            if row.id in stopped and state == stopped[row.id].reason
            else None,
        )
        for row in tx.conn.execute(select(worker_table).order_by(worker_table.c.started_at.desc()))
        for state, since in [_state(row, tx.now, stopped.get(row.id))]
    ]
    return sorted(rows, key=lambda row: row.state in {"stopped", "lost"})


def _state(row: Row[Any], now: int, stop: Pause | None) -> tuple[str, int]:
    if row.stopped_at is not None:
        return "stopped", row.stopped_at
    if row.lost_at is not None:
        return "lost", row.lost_at
    if row.seen_at + row.lease_ms < now:
        return "lost", row.seen_at + row.lease_ms
    if row.draining_at is not None:
        return "draining", row.draining_at
    if stop is not None:
        return stop.reason, stop.since or now
    return "running", row.started_at


def _attempts_by_worker(tx: Tx) -> dict[str, dict[str, int]]:
    query = (
        select(attempts.c.worker, attempts.c.state, func.count().label("number"))
        .where(ATTEMPT_IS_LIVE)
        .group_by(attempts.c.worker, attempts.c.state)
        .order_by(attempts.c.worker, attempts.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for row in tx.conn.execute(query):
        found.setdefault(row.worker, {})[row.state] = row.number
    return found


def _submits_by_worker(tx: Tx) -> dict[str, int]:
    newest = select(func.coalesce(func.max(attempts.c.id), 0)).scalar_subquery()
    query = (
        select(attempts.c.worker, func.count().label("number"))
        .where(attempts.c.id > newest - LATEST_ATTEMPTS, attempts.c.submitted_at > tx.now - LATELY_MS)
        .group_by(attempts.c.worker)
    )
    return {row.worker: row.number for row in tx.conn.execute(query)}
