"""Workers: who is or was here."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from orchestrator.store.database import Tx
from orchestrator.store.schema import workers


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One OS process that runs or ran the loops."""

    id: str
    host: str
    pid: int


def register(tx: Tx, worker: WorkerRow) -> None:
    """Record that a worker started."""
    tx.conn.execute(
        workers.insert().values(
            id=worker.id, host=worker.host, pid=worker.pid, started_at=tx.now, seen_at=tx.now
        )
    )


def seen(tx: Tx, worker_id: str) -> None:
    """Record that a worker lives."""
    tx.conn.execute(_SEEN, {"w_id": worker_id, "seen_at": tx.now})


def stopped(tx: Tx, worker_id: str) -> None:
    """Record that a worker ended in order."""
    tx.conn.execute(
        update(workers).where(workers.c.id == worker_id).values(stopped_at=tx.now, seen_at=tx.now)
    )


def unfinished(tx: Tx, host: str) -> list[WorkerRow]:
    """Workers of this host that never said they stopped, newest first."""
    query = (
        select(workers.c.id, workers.c.host, workers.c.pid)
        .where(workers.c.host == host, workers.c.stopped_at.is_(None))
        .order_by(workers.c.started_at.desc())
        .limit(100)
    )
    return [WorkerRow(row.id, row.host, row.pid) for row in tx.conn.execute(query)]


_SEEN: Final = update(workers).where(workers.c.id == bindparam("w_id")).values(seen_at=bindparam("seen_at"))
