"""The outbox: notices from the moment they are found until they are delivered.

A notice is told once to each target, whatever the number of workers: its subject is unique there. Whoever
delivers it holds a lease; when it dies, another one delivers it again, under the same id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, or_, select, update

from orchestrator.core.notices import Notice, wait_ms
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import events, notices

LEASE_MS: Final = 300_000
BATCH: Final = 10
"""So many at a time, of each target."""

TROUBLE_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice and the targets that want it."""

    notice: Notice
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Take:
    """A worker asks for what is due to these targets."""

    worker: str
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class TakenNotice:
    """One that a worker is to deliver now."""

    id: int
    target: str
    tries: int
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """How a delivery ended; `trouble` is None when it was taken."""

    notice_id: int
    tries: int  # before this one
    trouble: str | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice as it stands."""

    id: int
    target: str
    kind: str
    title: str
    created_at: int
    tries: int
    next_try_at: int | None
    delivered_at: int | None
    trouble: str | None

    @property
    def state(self) -> str:
        """Delivered, waiting, or given up."""
        if self.delivered_at is not None:
            return "delivered"
        return "given_up" if self.next_try_at is None else "waiting"


def put(tx: Tx, rows: Sequence[NewNotice]) -> list[int]:
    """Add what no target was told of yet; returns for each to how many targets it is new."""
    return [sum(_put(tx, row.notice, target) for target in row.targets) for row in rows]


def take(tx: Tx, rows: Sequence[Take]) -> list[list[TakenNotice]]:
    """Lease some of what is due to each target, oldest first: what heaps up for one that does not answer is
    in no other's way.
    """
    return [_take(tx, row) for row in rows]


def told(tx: Tx, rows: Sequence[Told]) -> list[None]:
    """Record deliveries; one that failed too often is given up, with an event."""
    for row in rows:
        wait = None if row.trouble is None else wait_ms(row.tries + 1)
        given_up = row.trouble is not None and wait is None
        tx.conn.execute(
            _TOLD,
            {
                "which": row.notice_id,
                "tries": row.tries + 1,
                "next": None if wait is None else tx.now + wait,
                "trouble": row.trouble and row.trouble[:TROUBLE_MAX],
                "delivered": tx.now if row.trouble is None else None,
            },
        )
        if given_up:
            found = tx.conn.execute(_TITLE, {"which": row.notice_id}).one()
            message = f"target {found.target} was not told: {found.document['title']} ({row.trouble})"
            tx.conn.execute(events.insert().values(at=tx.now, kind="notice_given_up", message=message))
    return [None] * len(rows)


def again(tx: Tx, target: str | None) -> int:
    """Try everything now that waits or was given up; returns how many."""
    query = _AGAIN if target is None else _AGAIN.where(notices.c.target == target)
    return tx.conn.execute(query, {"now": tx.now}).rowcount


def newest(tx: Tx, limit: int) -> list[NoticeRow]:
    """The last ones, newest first."""
    rows = tx.conn.execute(_ROWS.order_by(notices.c.id.desc()).limit(limit))
    return [
        NoticeRow(
            id=row.id,
            target=row.target,
            kind=row.kind,
            title=str(row.document["title"]),
            created_at=row.created_at,
            tries=row.tries,
            next_try_at=row.next_try_at,
            delivered_at=row.delivered_at,
            trouble=row.trouble,
        )
        for row in rows
    ]


def _put(tx: Tx, notice: Notice, target: str) -> int:
    values = {
        "target": target,
        "subject": notice.subject,
        "kind": notice.kind.value,
        "document": notice.document(),
        "created_at": tx.now,
        "next_try_at": tx.now,
    }
    statement = dialect.insert(tx.conn, notices).values(values)
    once = statement.on_conflict_do_nothing(index_elements=["target", "subject"])
    return len(tx.conn.execute(once.returning(notices.c.id)).all())


def _take(tx: Tx, row: Take) -> list[TakenNotice]:
    found = [
        each
        for target in sorted(row.targets)
        for each in tx.conn.execute(_DUE, {"target": target, "now": tx.now, "taker": row.worker}).all()
    ]
    taken = []
    for each in found:
        change = {"which": each.id, "now": tx.now, "taker": row.worker, "until": tx.now + LEASE_MS}
        if tx.conn.execute(_LEASE, change).rowcount:
            taken.append(
                TakenNotice(id=each.id, target=each.target, tries=each.tries, document=each.document)
            )
    return taken


_FREE: Final = or_(
    notices.c.lease_expires_at.is_(None),
    notices.c.lease_expires_at <= bindparam("now"),
    notices.c.worker == bindparam("taker"),  # it was interrupted in delivering it
)
_DUE: Final = (
    select(notices.c.id, notices.c.target, notices.c.tries, notices.c.document)
    .where(
        notices.c.next_try_at.is_not(None),  # as the partial index says it
        notices.c.next_try_at <= bindparam("now"),
        notices.c.target == bindparam("target"),
        _FREE,
    )
    .order_by(notices.c.id)
    .limit(BATCH)
)
_LEASE: Final = (
    update(notices)
    .where(notices.c.id == bindparam("which"), notices.c.next_try_at.is_not(None), _FREE)
    .values(worker=bindparam("taker"), lease_expires_at=bindparam("until"))
)
_TOLD: Final = (
    update(notices)
    .where(notices.c.id == bindparam("which"), notices.c.delivered_at.is_(None))
    .values(
        tries=bindparam("tries"),
        next_try_at=bindparam("next"),
        trouble=bindparam("trouble"),
        delivered_at=bindparam("delivered"),
        worker=None,
        lease_expires_at=None,
    )
)
_TITLE: Final = select(notices.c.target, notices.c.document).where(notices.c.id == bindparam("which"))
_AGAIN: Final = (
    update(notices)
    .where(notices.c.delivered_at.is_(None))
    .values(tries=0, next_try_at=bindparam("now"), worker=None, lease_expires_at=None)
)
_ROWS: Final = select(
    notices.c.id,
    notices.c.target,
    notices.c.kind,
    notices.c.document,
    notices.c.created_at,
    notices.c.tries,
    notices.c.next_try_at,
    notices.c.delivered_at,
    notices.c.trouble,
)
