"""Workers that stop by themselves, each for what is its own: its key, its account's credit, its
output folder, its view of the list.

The account goes on with the others. `status` shows the account as stopped only when no other worker lives.
"""

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
KEY_REFUSED: Final = "key_refused"  # the provider refuses its key
STORAGE: Final = "storage"  # its output folder takes no files
NO_CREDIT: Final = "no_credit"  # its account cannot pay
LIST_UNREADABLE: Final = "list_unreadable"  # it cannot compare the provider's list with the database

CANNOT_COLLECT: Final = frozenset({KEY_REFUSED, STORAGE})
"""With these a worker could not bring what another one hands to it to an end."""


@dataclass(frozen=True, slots=True)
class WorkerStop:
    """What stops a worker; the message says it to people, with what to do."""

    worker: str
    reason: str
    message: str
    until: int | None = None  # ms: it ends by itself then


@dataclass(frozen=True, slots=True)
class WorkerFreed:
    """What stopped a worker is over."""

    worker: str
    reason: str


def stop_workers(tx: Tx, rows: Sequence[WorkerStop]) -> list[bool]:
    """Record it; one that is recorded already takes the new message."""
    return [
        pauses.begin(
            tx,
            Pause(scope=WORKER, name=row.worker, reason=row.reason, message=row.message, until=row.until),
        )
        for row in rows
    ]


def free_workers(tx: Tx, rows: Sequence[WorkerFreed]) -> list[bool]:
    """These workers are stopped no longer, for these reasons."""
    return [pauses.end(tx=tx, scope=WORKER, name=row.worker, reason=row.reason) for row in rows]


def forget_gone(tx: Tx) -> None:
    """A worker begins, and finds out for itself: what gone ones have left says nothing any more."""
    tx.conn.execute(_FORGET, {"now": tx.now})


def leaves(tx: Tx, worker_id: str) -> None:
    """A worker leaves. What stopped it stays known, for whoever looks next, unless another one that nothing
    stops was there meanwhile.
    """
    stops = [pause for pause in pauses.in_force(tx) if pause.scope == WORKER]
    own = [pause for pause in stops if pause.name == worker_id]
    if own:
        since = min(pause.since or tx.now for pause in own)
        if set(tx.conn.execute(_SEEN_SINCE, {"since": since}).scalars()) - {stop.name for stop in stops}:
            free_workers(tx, [WorkerFreed(worker_id, stop.reason) for stop in own])


def another_can_collect(tx: Tx, worker_id: str) -> bool:
    """Whether some other worker lives that can bring pictures home."""
    unable = {
        pause.name
        for pause in pauses.in_force(tx)
        if pause.scope == WORKER and pause.reason in CANNOT_COLLECT
    }
    return bool(alive(tx) - unable - {worker_id})


def alive(tx: Tx) -> set[str]:
    """Ids of the workers that were seen within their lease and have not stopped."""
    return set(tx.conn.execute(_ALIVE, {"now": tx.now}).scalars())


_ALIVE: Final = select(workers.c.id).where(
    workers.c.stopped_at.is_(None),
    workers.c.lost_at.is_(None),
    workers.c.seen_at + workers.c.lease_ms >= bindparam("now"),
)
_SEEN_SINCE: Final = select(workers.c.id).where(workers.c.seen_at >= bindparam("since"))
_FORGET: Final = delete(pause_table).where(
    pause_table.c.scope == WORKER,
    pause_table.c.name.not_in(_ALIVE),
)
