"""Workers whose key the provider refuses: each stops by itself, and the account goes on with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select

from orchestrator.store.account import pauses
from orchestrator.store.account.pauses import Pause
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import pauses as pause_table
from orchestrator.store.db.schema import workers

WORKER: Final = "worker"
KEY_REFUSED: Final = "key_refused"


@dataclass(frozen=True, slots=True)
class WorkerStop:
    """The key of a worker is refused; the message says it to people, with what to do."""

    worker: str
    message: str


def stop_workers(tx: Tx, rows: Sequence[WorkerStop]) -> list[bool]:
    """Record it; one that is recorded already takes the new message."""
    return [
        pauses.begin(tx, Pause(scope=WORKER, name=row.worker, reason=KEY_REFUSED, message=row.message))
        for row in rows
    ]


def free_workers(tx: Tx, rows: Sequence[str]) -> list[bool]:
    """The keys of these workers work."""
    return [pauses.end(tx=tx, scope=WORKER, name=worker, reason=KEY_REFUSED) for worker in rows]


def forget_gone(tx: Tx) -> None:
    """A worker begins, and finds out about its own key: what gone ones have left says nothing any more."""
    tx.conn.execute(_FORGET, {"now": tx.now})


def leaves(tx: Tx, worker_id: str) -> None:
    """A worker leaves. That its key was refused stays known while no other worker has a key that works: the
    next look at the status says so.
    """
    if another_can_collect(tx, worker_id):
        free_workers(tx, [worker_id])


def another_can_collect(tx: Tx, worker_id: str) -> bool:
    """Whether some other worker lives whose key is not refused."""
    refused = {pause.name for pause in pauses.in_force(tx) if pause.scope == WORKER}
    return bool(alive(tx) - refused - {worker_id})


def alive(tx: Tx) -> set[str]:
    """Ids of the workers that were seen within their lease and have not stopped."""
    return set(tx.conn.execute(_ALIVE, {"now": tx.now}).scalars())


_ALIVE: Final = select(workers.c.id).where(
    workers.c.stopped_at.is_(None),
    workers.c.lost_at.is_(None),
    workers.c.seen_at + workers.c.lease_ms >= bindparam("now"),
)
_FORGET: Final = delete(pause_table).where(
    pause_table.c.scope == WORKER,
    pause_table.c.name.not_in(_ALIVE),
)
