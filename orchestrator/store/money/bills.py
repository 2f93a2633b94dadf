"""The provider's bill in our books: what was really deducted and paid back for each attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.provider_facts import BILL_SETTLE_MS
from orchestrator.core.states import ReservationState
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_UNBILLED, LedgerKind, attempts, events, jobs, runs
from orchestrator.store.money import bill_entries, ledger
from orchestrator.store.money.bill_lines import BillLine, Booked, surplus_text, what_to_book

REREAD_MS: Final = 10 * 60_000
"""The time after which the bill of an attempt that still waits for its refund is read again."""


@dataclass(frozen=True, slots=True)
class Unbilled:
    """An ended attempt whose bill is to be read."""

    attempt_id: int
    prediction_id: str
    accepted_at: int
    price_micros: int  # what was held for it
    is_free: bool = False  # counts as free, and the provider may still show what it keeps


def unbilled(tx: Tx, limit: int, *, settle_ms: int = BILL_SETTLE_MS) -> list[Unbilled]:
    """Attempts that ended at least `settle_ms` ago and whose bill is to be read (again), oldest first; one
    whose charge was seen already and is another than was held need not wait.
    """
    values = {
        "settled_by": tx.now - settle_ms,
        "reread_by": tx.now - REREAD_MS,
        "most": limit,
    }
    return [
        Unbilled(
            attempt_id=row.id,
            prediction_id=row.prediction_id,
            accepted_at=row.accepted_at,
            price_micros=row.price_micros,
            is_free=row.reservation == ReservationState.RELEASED.value,
        )
        for row in tx.conn.execute(_UNBILLED, values)
    ]


def book_lines(tx: Tx, lines: Sequence[BillLine]) -> list[Booked]:
    """Book lines of the bill for ended attempts; a line that is booked already changes nothing."""
    ids = [line.attempt_id for line in lines]
    rows: dict[int, Any] = {}
    for chunk in chunks(ids):
        query = select(attempts).where(
            attempts.c.id.in_(chunk),
            attempts.c.finished_at.is_not(None),
            attempts.c.prediction_id.is_not(None),  # else a later attempt holds its task, and its charge
        )
        rows.update({row.id: row for row in tx.conn.execute(dialect.lock_rows(tx.conn, query))})
    booked: list[Booked] = []
    for line in lines:
        row = rows.get(line.attempt_id)
        booked.append(Booked() if row is None else _book(tx, row, line))
    return booked


def agree(tx: Tx, line: BillLine, *, charge_micros: int) -> None:
    """Note that a person has agreed to a line of an ended attempt, and which charge counts for it; booking
    the line then follows that.
    """
    values = {
        "a_id": line.attempt_id,
        "v_billed": line.deducted_micros,
        "v_charge": charge_micros,
        "v_refunded": line.refunded_micros,
    }
    tx.conn.execute(_AGREE, values)


def last_accepted_at(tx: Tx) -> int | None:
    """When the newest prediction that this database knows was accepted, in ms: the high-water mark."""
    return tx.conn.execute(select(func.max(attempts.c.accepted_at))).scalar()


def last_answered_sent_at(tx: Tx) -> int | None:
    """When the newest attempt that has a prediction was sent, in ms."""
    return tx.conn.execute(
        select(attempts.c.submitted_at)
        .where(attempts.c.prediction_id.is_not(None))
        .order_by(attempts.c.id.desc())
        .limit(1)
    ).scalar()


def first_run_at(tx: Tx) -> int | None:
    """When the first run of this database was applied, in ms; it cannot have paid for anything before."""
    return tx.conn.execute(select(func.min(runs.c.created_at))).scalar()


def _book(tx: Tx, row: Any, line: BillLine) -> Booked:
    decided = what_to_book(row, line, tx.now)
    if not decided.values:
        return decided.booked
    if decided.kind is not None:
        _move(tx, row, decided.kind, spent=decided.spent_delta, due=decided.due_delta)
        tx.conn.execute(_ADD_COST, {"j_id": row.job_id, "d_cost": decided.spent_delta})
    if decided.booked.surplus_micros and line.refunded_micros != row.refunded_micros:
        _note_surplus(tx, row, decided.booked.surplus_micros)
    if line.times.parts and not decided.booked.set_aside:
        bill_entries.note_parts(tx, row.id, line.times)
    unchanged = (attempts.c.id == row.id) & (attempts.c.reservation == row.reservation)
    written = tx.conn.execute(update(attempts).where(unchanged).values(**decided.values)).rowcount
    assert written == 1, f"the reservation of attempt {row.id} moved under the lock"
    return decided.booked


def _note_surplus(tx: Tx, row: Any, micros: int) -> None:
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind="refund_surplus",
            job_id=row.job_id,
            attempt_id=row.id,
            message=surplus_text(row.prediction_id, micros),
        )
    )


def _move(tx: Tx, row: Any, kind: LedgerKind, *, spent: int, due: int) -> None:
    ledger.post(
        tx,
        [
            ledger.Movement(
                kind=kind,
                attempt_id=row.id,
                run_id=row.run_id,
                campaign_id=row.campaign_id,
                day=row.day,
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


_AGREE: Final = (
    update(attempts)
    .where(attempts.c.id == bindparam("a_id"), attempts.c.finished_at.is_not(None))
    .values(
        agreed_billed_micros=bindparam("v_billed"),
        agreed_charge_micros=bindparam("v_charge"),
        agreed_refunded_micros=bindparam("v_refunded"),
    )
)

_UNBILLED: Final = (
    select(
        attempts.c.id,
        attempts.c.prediction_id,
        attempts.c.accepted_at,
        attempts.c.price_micros,
        attempts.c.reservation,
    )
    .where(
        ATTEMPT_IS_UNBILLED,
        (attempts.c.finished_at <= bindparam("settled_by"))
        | (attempts.c.billed_micros != attempts.c.price_micros),
        attempts.c.billed_at.is_(None)
        | (attempts.c.billed_at <= bindparam("reread_by"))
        | (
            (attempts.c.refund_until <= bindparam("settled_by"))
            & (attempts.c.billed_at < attempts.c.refund_until + BILL_SETTLE_MS)
        ),
    )
    .order_by(attempts.c.id)
    .limit(bindparam("most"))
)
