"""The ids of attempts: one after another, over all workers. Attempts are never deleted."""

from typing import Final

from sqlalchemy import select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts


def next_attempt_id(tx: Tx) -> int:
    """The id of the next attempt; the caller has locked the account's row, see `rate_limits.lock`."""
    return highest_attempt_id(tx) + 1


def highest_attempt_id(tx: Tx) -> int:
    """The id of the newest attempt; 0 before the first."""
    return tx.conn.execute(_NEWEST).scalar() or 0


_NEWEST: Final = select(attempts.c.id).order_by(attempts.c.id.desc()).limit(1)
