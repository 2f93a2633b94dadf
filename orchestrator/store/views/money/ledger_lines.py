"""The ledger as it is read: every movement of money, with what it was for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, balances, campaigns, ledger, runs

PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which are wanted: every given field must match; without any, all are."""

    period: str = ""  # a day or a month of the caps, such as 2026-11; empty: all
    campaign_ids: tuple[int, ...] | None = None
    run_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of the ledger; amounts in micros."""

    id: int
    at: int  # ms
    day: str  # in which it counts against caps
    kind: str
    campaign: str
    name: str
    run: str
    job_id: int | None
    attempt_id: int | None
    prediction_id: str | None
    held: int
    spent: int
    refund_due: int
    note: str


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """How many movements there are, and what they come to, in micros."""

    movements: int
    held: int
    spent: int
    refund_due: int


def movements(tx: Tx, wanted: LedgerFilter) -> Iterator[LedgerLine]:
    """All of them in the order of their ids, read a page at a time in one view of the database, so that they
    come to what `sums` says.
    """
    after = 0
    while True:
        query = _narrowed(_ROWS, wanted).where(ledger.c.id > after).limit(PAGE)
        page = [_movement(row) for row in tx.conn.execute(query)]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def sums(tx: Tx, wanted: LedgerFilter) -> LedgerSums:
    """What the movements come to."""
    row = tx.conn.execute(_narrowed(_SUMS, wanted)).one()
    return LedgerSums(
        movements=row.movements, held=int(row.held), spent=int(row.spent), refund_due=int(row.refund_due)
    )


def standing(tx: Tx, period: str) -> LedgerSums:
    """What the account's balance says of a period; empty: in total."""
    row = tx.conn.execute(_STANDING, {"period": period or "total"}).one_or_none()
    held, spent, refund_due = row or (0, 0, 0)
    return LedgerSums(movements=0, held=held, spent=spent, refund_due=refund_due)


def _narrowed(query: Select[Any], wanted: LedgerFilter) -> Select[Any]:
    if wanted.period:
        query = query.where(ledger.c.day.startswith(wanted.period, autoescape=True))
    if wanted.campaign_ids is not None:
        query = query.where(ledger.c.campaign_id.in_(wanted.campaign_ids))
    if wanted.run_ids is not None:
        query = query.where(ledger.c.run_id.in_(wanted.run_ids))
    return query


def _movement(row: Any) -> LedgerLine:
    return LedgerLine(
        id=row.id,
        at=row.at,
        day=row.day,
        kind=row.kind,
        campaign=row.campaign or "",
        name=row.name or "",
        run=row.run_key or "",
        job_id=row.job_id,
        attempt_id=row.attempt_id,
        prediction_id=row.prediction_id,
        held=row.held_delta,
        spent=row.spent_delta,
        refund_due=row.refund_due_delta,
        note=row.note or "",
    )


_ROWS: Final = (
    select(
        ledger,
        campaigns.c.name.label("campaign"),
        runs.c.name,
        runs.c.run_key,
        attempts.c.job_id,
        attempts.c.prediction_id,
    )
    .select_from(ledger)
    .outerjoin(campaigns, campaigns.c.id == ledger.c.campaign_id)
    .outerjoin(runs, runs.c.id == ledger.c.run_id)
    .outerjoin(attempts, attempts.c.id == ledger.c.attempt_id)
    .order_by(ledger.c.id)
)
_SUMS: Final = select(
    func.count().label("movements"),
    func.coalesce(func.sum(ledger.c.held_delta), 0).label("held"),
    func.coalesce(func.sum(ledger.c.spent_delta), 0).label("spent"),
    func.coalesce(func.sum(ledger.c.refund_due_delta), 0).label("refund_due"),
).select_from(ledger)
_STANDING: Final = select(
    balances.c.held_micros, balances.c.spent_micros, balances.c.refund_due_micros
).where(balances.c.scope == "account", balances.c.period == bindparam("period"))
