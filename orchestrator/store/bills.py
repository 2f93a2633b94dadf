"""The provider's bill in our books: what was really deducted and paid back for each attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.states import RESERVATION_TRANSITIONS, ReservationEvent, ReservationState, step
from orchestrator.store import dialect, money
from orchestrator.store.database import Tx
from orchestrator.store.lookups import chunks
from orchestrator.store.schema import ATTEMPT_IS_UNBILLED, LedgerKind, attempts, jobs, runs

REREAD_MS: Final = 10 * 60_000
"""How long before the bill of an attempt that still waits for its refund is read again."""

REFUND_MS: Final = 3 * 3600 * 1000
"""How long the provider may take to pay a failed task back. Until then a charge without its refund says nothing about
money that was counted free at once."""


@dataclass(frozen=True, slots=True)
class Unbilled:
    """An ended attempt whose bill is to be read."""

    attempt_id: int
    prediction_id: str
    accepted_at: int


@dataclass(frozen=True, slots=True)
class BillLine:
    """What the bill says of one attempt, in micros."""

    attempt_id: int
    deducted_micros: int
    refunded_micros: int


@dataclass(frozen=True, slots=True)
class Booked:
    """What reading one line changed."""

    adjusted_micros: int = 0  # our cost was off by this much
    refund_seen: bool = False


def unbilled(tx: Tx, limit: int, *, settle_ms: int) -> list[Unbilled]:
    """Attempts that ended at least `settle_ms` ago and whose bill is to be read (again), oldest first."""
    values = {
        "settled_by": tx.now - settle_ms,
        "reread_by": tx.now - REREAD_MS,
        "refunded_by": tx.now - REFUND_MS,
        "most": limit,
    }
    return [
        Unbilled(row.id, row.prediction_id, row.accepted_at) for row in tx.conn.execute(_UNBILLED, values)
    ]


def record(tx: Tx, lines: Sequence[BillLine]) -> list[Booked]:
    """Book what the bill says; a line that says what we know already changes nothing. Ended attempts only."""
    ids = [line.attempt_id for line in lines]
    rows: dict[int, Any] = {}
    for chunk in chunks(ids):
        query = select(attempts).where(attempts.c.id.in_(chunk), attempts.c.finished_at.is_not(None))
        rows.update({row.id: row for row in tx.conn.execute(dialect.lock_rows(tx.conn, query))})
    booked: list[Booked] = []
    for line in lines:
        row = rows.get(line.attempt_id)
        booked.append(Booked() if row is None else _book(tx, row, line))
    return booked


def last_accepted_at(tx: Tx) -> int | None:
    """The high-water mark: when the newest prediction that this database knows was accepted, in ms."""
    return tx.conn.execute(select(func.max(attempts.c.accepted_at))).scalar()


def last_answered_sent_at(tx: Tx) -> int | None:
    """When the newest attempt was sent whose prediction this database knows, in ms."""
    return tx.conn.execute(
        select(attempts.c.submitted_at)
        .where(attempts.c.prediction_id.is_not(None))
        .order_by(attempts.c.id.desc())
        .limit(1)
    ).scalar()


def first_run_at(tx: Tx) -> int | None:
    """When the first run of this database was applied, in ms: it can have paid for nothing before."""
    return tx.conn.execute(select(func.min(runs.c.created_at))).scalar()


def _book(tx: Tx, row: Any, line: BillLine) -> Booked:
    values: dict[str, Any] = {
        "billed_at": tx.now,
        "billed_micros": line.deducted_micros,
        "refunded_micros": line.refunded_micros,
    }
    if (
        row.reservation == ReservationState.RELEASED.value
        and not line.refunded_micros
        and row.finished_at > tx.now - REFUND_MS
    ):
        return Booked()  # too early to say that the money was kept
    booked = Booked()
    actual = line.deducted_micros - line.refunded_micros
    if row.reservation == ReservationState.REFUND_DUE.value:
        if line.refunded_micros > 0:
            booked = Booked(refund_seen=True)
            values |= {
                "reservation": step(
                    RESERVATION_TRANSITIONS, ReservationState.REFUND_DUE, ReservationEvent.REFUND_ENDED
                ).value,
                "refund_until": None,
                "cost_micros": actual or None,
            }
            _move(tx, row, LedgerKind.REFUND_SEEN, spent=actual, due=-row.price_micros)
            tx.conn.execute(_ADD_COST, {"j_id": row.job_id, "d_cost": actual})
    elif line.deducted_micros > 0 and actual != (row.cost_micros or 0):
        delta = actual - (row.cost_micros or 0)
        booked = Booked(adjusted_micros=delta)
        values["cost_micros"] = actual
        _move(tx, row, LedgerKind.ADJUSTED, spent=delta, due=0)
        tx.conn.execute(_ADD_COST, {"j_id": row.job_id, "d_cost": delta})
    tx.conn.execute(update(attempts).where(attempts.c.id == row.id).values(**values))
    return booked


def _move(tx: Tx, row: Any, kind: LedgerKind, *, spent: int, due: int) -> None:
    money.book(
        tx,
        [
            money.Movement(
                kind,
                row.id,
                row.run_id,
                row.campaign_id,
                row.day,
                spent_delta=spent,
                refund_due_delta=due,
                note="from the provider's bill",
            )
        ],
    )


_ADD_COST: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"))
    .values(cost_micros=jobs.c.cost_micros + bindparam("d_cost"))
)


_UNBILLED: Final = (
    select(attempts.c.id, attempts.c.prediction_id, attempts.c.accepted_at)
    .where(
        ATTEMPT_IS_UNBILLED,
        attempts.c.finished_at <= bindparam("settled_by"),
        attempts.c.billed_at.is_(None) | (attempts.c.billed_at <= bindparam("reread_by")),
        (attempts.c.reservation != ReservationState.RELEASED.value)
        | (attempts.c.finished_at <= bindparam("refunded_by")),
    )
    .order_by(attempts.c.id)
    .limit(bindparam("most"))
)
