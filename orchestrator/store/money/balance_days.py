"""What the account had left, as it was read first and last on each UTC day: what a month begins and ends
with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, case, func, select

from orchestrator.core.budget import day_of
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import balance_days


@dataclass(frozen=True, slots=True)
class BalanceReading:
    """What the account had left at a moment."""

    at: int  # ms
    micros: int


def note(tx: Tx, micros: int) -> None:
    """Keep what was read just now, if it is the first or the last of its day."""
    day = day_of(tx.now, "UTC")
    statement = dialect.insert(tx.conn, balance_days).values(
        day=day, first_at=tx.now, first_micros=micros, last_at=tx.now, last_micros=micros
    )
    newer = statement.excluded.last_at >= balance_days.c.last_at
    changes = {
        name: case((newer, statement.excluded[name]), else_=balance_days.c[name])
        for name in ("last_at", "last_micros")
    }
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["day"], set_=changes))


def note_all(tx: Tx, readings: Sequence[int]) -> None:
    """Keep several that were read at about the same time, the last one last."""
    for micros in readings:
        note(tx, micros)


def last_at(tx: Tx) -> int | None:
    """When the balance was read last; None before the first."""
    return tx.conn.execute(select(func.max(balance_days.c.last_at))).scalar()


def readings(tx: Tx, first_day: str, last_day: str) -> list[BalanceReading]:
    """The readings of these days and of the nearest day with one before and after them, oldest first."""
    days = {"first": first_day, "last": last_day}
    rows = [
        *tx.conn.execute(_BEFORE, days),
        *tx.conn.execute(_WITHIN, days),
        *tx.conn.execute(_AFTER, days),
    ]
    found = {
        BalanceReading(at, micros)
        for row in rows
        for at, micros in ((row.first_at, row.first_micros), (row.last_at, row.last_micros))
    }
    return sorted(found, key=lambda reading: reading.at)


_DAYS: Final = select(balance_days)
_WITHIN: Final = _DAYS.where(balance_days.c.day.between(bindparam("first"), bindparam("last")))
_BEFORE: Final = (
    _DAYS.where(balance_days.c.day < bindparam("first")).order_by(balance_days.c.day.desc()).limit(1)
)
_AFTER: Final = _DAYS.where(balance_days.c.day > bindparam("last")).order_by(balance_days.c.day).limit(1)
