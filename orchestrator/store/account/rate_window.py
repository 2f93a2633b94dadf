"""The sliding window of the submissions per minute: grants are counted in small buckets of time.

A bucket counts for as long as any part of it can lie inside a window, and the window is a little longer than
a minute, because a POST arrives shortly after its grant.
"""

from functools import cache
from typing import Final

from sqlalchemy import Insert, bindparam, delete, func, select, update

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.deferred_writes import Changes, LockOrder
from orchestrator.store.db.schema import rate_grants

WINDOW_MS: Final = 60_000
BUCKET_MS: Final = 100

ANSWERED_WITHIN_MS: Final = 1_300
"""A POST that is recorded as answered within this time of its grant arrived within it too; any other may
have arrived only when its answer is recorded."""

MARGIN_MS: Final = ANSWERED_WITHIN_MS + BUCKET_MS
"""How much longer than a minute the window is."""


def count(tx: Tx, at: int, number: int) -> None:
    """Add a number of submissions, or remove them when it is negative, to the bucket of the time `at`."""
    tx.deferred.add(LockOrder.RATE, _write_buckets, _bucket(at), number)


def _write_buckets(tx: Tx, changes: Changes) -> None:
    fewer = {bucket: number for bucket, (number,) in changes.items() if number < 0}
    more = {bucket: number for bucket, (number,) in changes.items() if number > 0}
    dialect.run_many(tx.conn, _GIVE_BACK, [{"bucket": at, "number": -number} for at, number in fewer.items()])
    dialect.run_many(
        tx.conn,
        _add_to_bucket(tx.conn.dialect.name),
        [{"bucket_at": at, "granted": number} for at, number in more.items()],
    )


@cache
def _add_to_bucket(dialect_name: str) -> Insert:
    statement = dialect.insert_of(dialect_name, rate_grants)
    return statement.on_conflict_do_update(
        index_elements=["bucket_at"], set_={"granted": rate_grants.c.granted + statement.excluded.granted}
    )


def holds(tx: Tx, granted_at: int) -> bool:
    """Whether the window holds the bucket of a grant of that time."""
    return _bucket(granted_at) > start(tx.now)


def _bucket(at: int) -> int:
    return at - at % BUCKET_MS


def next_grant_at(tx: Tx) -> int | None:
    """When the oldest grant of the window leaves it, in ms; None when the window is empty."""
    written = tx.conn.execute(_OLDEST_GRANT, {"start": start(tx.now)}).scalar()
    noted = [at for at, (number,) in tx.deferred.noted(LockOrder.RATE).items() if number > 0]
    oldest = min([at for at in (written, *noted) if at is not None], default=None)
    return None if oldest is None else oldest + WINDOW_MS + MARGIN_MS


def forget_old(tx: Tx) -> None:
    """Delete the buckets that left the window more than a minute ago."""
    tx.conn.execute(_FORGET, {"before": start(tx.now) - WINDOW_MS})


def granted(tx: Tx) -> int:
    """Submissions granted in the window. A grant from before it is not counted, even if its POST may still be
    on its way.
    """
    written = int(tx.conn.execute(_GRANTED, {"start": start(tx.now)}).scalar_one())
    return written + sum(
        number for at, (number,) in tx.deferred.noted(LockOrder.RATE).items() if holds(tx, at)
    )


def start(now: int) -> int:
    """The time from which grants are in the window."""
    return now - WINDOW_MS - MARGIN_MS


_GIVE_BACK: Final = (
    update(rate_grants)
    .where(rate_grants.c.bucket_at == bindparam("bucket"), rate_grants.c.granted >= bindparam("number"))
    .values(granted=rate_grants.c.granted - bindparam("number"))
)
_FORGET: Final = delete(rate_grants).where(rate_grants.c.bucket_at < bindparam("before"))
_OLDEST_GRANT: Final = select(func.min(rate_grants.c.bucket_at)).where(
    rate_grants.c.bucket_at > bindparam("start")
)
_GRANTED: Final = select(func.coalesce(func.sum(rate_grants.c.granted), 0)).where(
    rate_grants.c.bucket_at > bindparam("start")
)
