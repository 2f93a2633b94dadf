"""Closing a month: the ledger's lines up to a point are frozen under a digest, month after month, so that a
line that is changed later is found.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import closed_months, ledger

PAGE: Final = 2_000
"""Lines that are read at once: with more, they fall out of the processor's cache before they are written."""


@dataclass(frozen=True, slots=True)
class Freezing:
    """The lines after `ledger_from` up to `ledger_to`."""

    ledger_from: int
    ledger_to: int


@dataclass(frozen=True, slots=True)
class MonthClosing:
    """A month that is to be closed, with what its own lines come to; in micros."""

    month: str
    lines: Freezing
    own_lines: int
    spent_micros: int
    open_micros: int
    timezone: str
    digest: str
    who: str


def last_line(tx: Tx) -> int:
    """The last line of the ledger, once no other transaction writes one; none has a smaller id later."""
    dialect.lock_writers(tx.conn, ledger)
    return int(tx.conn.execute(_LAST).scalar() or 0)


def frozen_up_to(tx: Tx) -> int:
    """The last line that is frozen; 0 before the first month is closed."""
    return int(tx.conn.execute(_FROZEN).scalar() or 0)


def months_before(tx: Tx, month: str) -> list[str]:
    """Months before that have lines and are not closed, oldest first."""
    return list(tx.conn.execute(_MONTHS_BEFORE, {"month": month}).scalars())


def own_sums(tx: Tx, month: str, ledger_to: int) -> tuple[int, int, int]:
    """How many lines up to `ledger_to` count in the month, what they spent, and what is open by them."""
    days = {"first": f"{month}-01", "last": f"{month}-31", "to": ledger_to}
    lines, spent, still_open = tx.conn.execute(_OWN, days).one()
    return int(lines), int(spent), int(still_open)


def digest(tx: Tx, lines: Freezing) -> str:
    """SHA-256 over every field of the lines, in the order of their ids, written as Python writes a tuple: a
    month that was closed keeps its digest, so neither columns nor words may ever change here.
    """
    found = hashlib.sha256()
    for page in _pages(tx, lines):
        found.update("".join(map(repr, page)).encode())
    return found.hexdigest()


def close(tx: Tx, closing: MonthClosing) -> bool:
    """Record it. False when the month was closed meanwhile, or another was, from the same line on."""
    if frozen_up_to(tx) != closing.lines.ledger_from:
        return False
    row = {
        "month": closing.month,
        "ledger_from": closing.lines.ledger_from,
        "ledger_to": closing.lines.ledger_to,
        "lines": closing.own_lines,
        "spent_micros": closing.spent_micros,
        "open_micros": closing.open_micros,
        "timezone": closing.timezone,
        "digest": closing.digest,
        "closed_at": tx.now,
        "who": closing.who,
    }
    return dialect.run_many(tx.conn, dialect.insert_or_ignore(tx.conn, closed_months), [row]) == 1


def changed_months(tx: Tx) -> Iterator[tuple[str, str, str]]:
    """Each closed month whose frozen lines are not what they were: the month, its digest, and today's."""
    for row in tx.conn.execute(_CLOSED).all():
        now = digest(tx, Freezing(row.ledger_from, row.ledger_to))
        if now != row.digest:
            yield row.month, row.digest, now


def _pages(tx: Tx, lines: Freezing) -> Iterator[list[tuple[Any, ...]]]:
    after = lines.ledger_from
    while True:
        page = bulk.plain_rows(tx.conn, _PAGE, {"after": after, "to": lines.ledger_to, "most": PAGE})
        yield page
        if len(page) < PAGE:
            return
        after = page[-1][0]


_LAST: Final = select(func.max(ledger.c.id))
_FROZEN: Final = select(func.max(closed_months.c.ledger_to))
_CLOSED: Final = select(closed_months).order_by(closed_months.c.month)
_MONTH: Final = func.substr(ledger.c.day, 1, 7)
_MONTHS_BEFORE: Final = (
    select(_MONTH)
    .where(ledger.c.day < bindparam("month"), _MONTH.not_in(select(closed_months.c.month)))
    .distinct()
    .order_by(_MONTH)
)
_OWN: Final = select(
    func.count(),
    func.coalesce(func.sum(ledger.c.spent_delta), 0),
    func.coalesce(func.sum(ledger.c.held_delta + ledger.c.refund_due_delta), 0),
).where(ledger.c.day.between(bindparam("first"), bindparam("last")), ledger.c.id <= bindparam("to"))
_PAGE: Final = (
    select(
        ledger.c.id,
        ledger.c.at,
        ledger.c.attempt_id,
        ledger.c.run_id,
        ledger.c.campaign_id,
        ledger.c.day,
        ledger.c.kind,
        ledger.c.held_delta,
        ledger.c.spent_delta,
        ledger.c.refund_due_delta,
        ledger.c.note,
    )
    .where(ledger.c.id > bindparam("after"), ledger.c.id <= bindparam("to"))
    .order_by(ledger.c.id)
    .limit(bindparam("most"))
)
