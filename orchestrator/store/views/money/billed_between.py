"""What the provider charged and paid back between two moments, by the bill as far as it was read."""

from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_REFUNDED, attempts, bill_entries

MARGIN_MS: Final = RETENTION_MS + 86_400_000
"""A task is charged near the time of its attempt; one that was adopted was charged at most so long before."""


def net_between(tx: Tx, after: int, until: int) -> int:
    """Charges less refunds whose time is in (after, until], in micros; below zero when `until` comes first,
    so that it may be added to what was left at `until` to know what was left at `after`.
    """
    if until < after:
        return -net_between(tx, until, after)
    window = {"after": after, "until": until}
    ids = {"low": _first_since(tx, after - MARGIN_MS), "high": _first_since(tx, until + MARGIN_MS)}
    charged = tx.conn.execute(_CHARGED, {**window, **ids}).scalar_one()
    refunded = tx.conn.execute(_REFUNDED, window).scalar_one()
    other = tx.conn.execute(_OTHER, window).scalar_one()
    return int(charged) - int(refunded) + int(other)


def _first_since(tx: Tx, at: int) -> int:
    """The id of the first attempt since then, by halving: ids grow with time."""
    low, high = 1, (tx.conn.execute(_HIGHEST).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = tx.conn.execute(_NEXT, {"id": middle}).one_or_none()
        if row is None or row.leased_at >= at:
            high = middle
        else:
            low = row.id + 1
    return low


_AT: Final = func.coalesce(attempts.c.charged_at, attempts.c.accepted_at, attempts.c.finished_at)
_CHARGED: Final = select(func.coalesce(func.sum(attempts.c.billed_micros), 0)).where(
    attempts.c.id >= bindparam("low"),
    attempts.c.id < bindparam("high"),
    attempts.c.billed_micros > 0,
    bindparam("after") < _AT,
    bindparam("until") >= _AT,
)
_REFUNDED: Final = select(func.coalesce(func.sum(attempts.c.refunded_micros), 0)).where(
    ATTEMPT_IS_REFUNDED,
    attempts.c.refunded_at > bindparam("after"),
    attempts.c.refunded_at <= bindparam("until"),
)
_OTHER: Final = (
    select(func.coalesce(func.sum(bill_entries.c.charged_micros - bill_entries.c.refunded_micros), 0))
    .outerjoin(attempts, attempts.c.prediction_id == bill_entries.c.prediction_id)
    .where(
        bill_entries.c.at > bindparam("after"),
        bill_entries.c.at <= bindparam("until"),
        attempts.c.id.is_(None),
    )
)
_HIGHEST: Final = select(func.max(attempts.c.id))
_NEXT: Final = (
    select(attempts.c.id, attempts.c.leased_at)
    .where(attempts.c.id >= bindparam("id"))
    .order_by(attempts.c.id)
    .limit(1)
)
