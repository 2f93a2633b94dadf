"""Workers: which of them run or ran, are asked to finish, or have fallen silent. All times are by the
database's clock.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, exists, func, select, update

from orchestrator.core.errors import NotFoundError
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import events, workers

KEPT_MS: Final = 7 * 86_400_000
"""How long a worker that is gone stays in the list, because its last attempts may still be in question."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One process that runs or ran the worker's loops."""

    id: str
    host: str
    pid: int
    version: str = ""
    lease_ms: int = 60_000
    output_root: str | None = None  # the folder on its host that it stores pictures in


@dataclass(frozen=True, slots=True)
class Standing:
    """What other processes have written about a worker since its last heartbeat."""

    draining: bool = False  # it is asked to finish
    was_lost: bool = False  # it was silent for so long that it counted as dead


def register(tx: Tx, worker: WorkerRow) -> None:
    """Record that a worker started, and delete those that have long been gone."""
    gone_at = func.coalesce(workers.c.stopped_at, workers.c.lost_at)
    tx.conn.execute(delete(workers).where(gone_at < tx.now - KEPT_MS))
    tx.conn.execute(
        workers.insert().values(
            id=worker.id,
            host=worker.host,
            pid=worker.pid,
            version=worker.version,
            lease_ms=worker.lease_ms,
            output_root=worker.output_root,
            started_at=tx.now,
            seen_at=tx.now,
        )
    )
    _note(tx, "worker_started", f"worker {worker.id} began (version {worker.version or 'unknown'})")


def seen(tx: Tx, worker_id: str, *, leaving: bool = False, clock_offset_ms: int | None = None) -> Standing:
    """Record that a worker is alive, whether it is finishing by itself, and how far it has measured the
    provider's clock to be ahead; returns what others wrote about it.
    """
    found = tx.conn.execute(_STANDING, {"worker": worker_id}).one_or_none()
    if found is None:
        return Standing()
    draining_at = tx.now if leaving and found.draining_at is None else found.draining_at
    tx.conn.execute(
        _SEEN,
        {"worker": worker_id, "now": tx.now, "draining": draining_at, "clock_offset": clock_offset_ms},
    )
    if found.lost_at is not None:
        _note(
            tx,
            "worker_back",
            f"worker {worker_id} counted as lost for {(tx.now - found.lost_at) / 1000:.0f} s and lives",
        )
    return Standing(found.draining_at is not None, found.lost_at is not None)


def drain(tx: Tx, worker_id: str) -> bool:
    """Ask a worker to finish what it has and stop. False when it is finishing or gone already; raises
    NotFoundError.
    """
    if tx.conn.execute(select(workers.c.id).where(workers.c.id == worker_id)).scalar() is None:
        raise NotFoundError(f"There is no worker {worker_id!r}. See: orchestrator workers list")
    return bool(
        tx.conn.execute(
            update(workers)
            .where(workers.c.id == worker_id, workers.c.draining_at.is_(None), workers.c.stopped_at.is_(None))
            .values(draining_at=tx.now)
        ).rowcount
    )


def note_database_back(tx: Tx, worker_id: str, away_ms: int) -> None:
    """Record that a worker can write again, after the database was away."""
    _note(tx, "database_back", f"worker {worker_id} could not write for {away_ms / 1000:.0f} s and goes on")


def is_draining(tx: Tx, worker_id: str) -> bool:
    """Whether a worker must not take new jobs."""
    return tx.conn.execute(_DRAINING, {"worker": worker_id}).scalar() is not None


def stopped(tx: Tx, worker_id: str) -> None:
    """Record that a worker stopped in order."""
    tx.conn.execute(
        update(workers).where(workers.c.id == worker_id).values(stopped_at=tx.now, seen_at=tx.now)
    )
    _note(tx, "worker_stopped", f"worker {worker_id} left in order")


def lost(tx: Tx, worker_id: str) -> None:
    """Record that a worker is gone without having stopped in order."""
    tx.conn.execute(update(workers).where(workers.c.id == worker_id).values(lost_at=tx.now))
    _note(tx, "worker_lost", f"worker {worker_id} is gone")


def lose_silent(tx: Tx) -> list[str]:
    """Record which workers were silent for longer than their lease. One that is alive after all reads that in
    its next heartbeat.
    """
    found = list(tx.conn.execute(_SILENT, {"now": tx.now}).scalars())
    for worker_id in found:
        lost(tx, worker_id)
    return found


def any_alive(tx: Tx) -> bool:
    """Whether some worker was seen within its lease and has not stopped."""
    alive = exists().where(workers.c.stopped_at.is_(None), workers.c.seen_at + workers.c.lease_ms >= tx.now)
    return bool(tx.conn.execute(select(alive)).scalar())


def unfinished(tx: Tx, host: str) -> list[WorkerRow]:
    """Workers of this host that are recorded neither as stopped nor as lost, newest first."""
    query = (
        select(workers.c.id, workers.c.host, workers.c.pid)
        .where(workers.c.host == host, workers.c.stopped_at.is_(None), workers.c.lost_at.is_(None))
        .order_by(workers.c.started_at.desc())
        .limit(100)
    )
    return [WorkerRow(row.id, row.host, row.pid) for row in tx.conn.execute(query)]


def _note(tx: Tx, kind: str, message: str) -> None:
    tx.conn.execute(_EVENT, {"at": tx.now, "kind": kind, "message": message})


_DRAINING: Final = select(workers.c.draining_at).where(workers.c.id == bindparam("worker"))

_STANDING: Final = select(workers.c.draining_at, workers.c.lost_at).where(workers.c.id == bindparam("worker"))

_SEEN: Final = (
    update(workers)
    .where(workers.c.id == bindparam("worker"))
    .values(
        seen_at=bindparam("now"),
        lost_at=None,
        draining_at=bindparam("draining"),
        clock_offset_ms=bindparam("clock_offset"),
    )
)

_SILENT: Final = (
    select(workers.c.id)
    .where(workers.c.stopped_at.is_(None), workers.c.lost_at.is_(None))
    .where(workers.c.seen_at + workers.c.lease_ms < bindparam("now"))
    .order_by(workers.c.id)
)

_EVENT: Final = events.insert()
