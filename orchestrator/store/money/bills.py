"""The provider's bill in our books: what was really deducted and paid back for each attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.money import MICROS_MAX, format_usd
from orchestrator.core.provider_facts import REFUND_MS
from orchestrator.core.states import RESERVATION_TRANSITIONS, ReservationEvent, ReservationState, step
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_UNBILLED, LedgerKind, attempts, events, jobs, runs
from orchestrator.store.money import ledger

REREAD_MS: Final = 10 * 60_000
"""The time after which the bill of an attempt that still waits for its refund is read again."""


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

    adjusted_micros: int = 0  # the difference to the cost that we had booked
    refund_seen: bool = False
    surplus_micros: int = 0  # paid back beyond the charge: in no cost, for an operator to check
    set_aside: bool = False  # the line cannot be right, and nothing of it was booked


@dataclass(frozen=True, slots=True)
class Decision:
    """What a line of the bill changes: columns of the attempt, and the money that moves with them."""

    booked: Booked
    values: Mapping[str, Any]  # of the attempt; empty when it is too early to book the line
    kind: LedgerKind | None = None  # None: no money moves
    spent_delta: int = 0
    due_delta: int = 0


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


def what_to_book(row: Any, line: BillLine, now: int) -> Decision:
    """Decide what a line changes; `row` is the attempt. The function is pure, so that a bad line is known
    before anything is written.

    A charge that is missing from the records that were read is taken from the last reading.
    """
    if not (0 <= line.deducted_micros <= MICROS_MAX and 0 <= line.refunded_micros <= MICROS_MAX):
        return Decision(Booked(set_aside=True), {"billed_at": now})
    if (
        row.reservation == ReservationState.RELEASED.value
        and not line.refunded_micros
        and row.finished_at > now - REFUND_MS
    ):
        return Decision(Booked(), {})  # too early to conclude that the money was kept
    charged = line.deducted_micros or row.billed_micros or 0
    values = {
        "billed_at": now,
        "billed_micros": charged,
        "refunded_micros": line.refunded_micros,
    }
    if row.reservation == ReservationState.REFUND_DUE.value and not line.refunded_micros:
        return Decision(Booked(), values)
    return _cost_and_surplus(row=row, charged=charged, refunded=line.refunded_micros, values=values)


def _cost_and_surplus(row: Any, charged: int, refunded: int, values: Mapping[str, Any]) -> Decision:
    """What the attempt costs by the bill, and what was paid back beyond the charge.

    A refund pays back no more than the charge: the cost stops at zero and the surplus is reported. While a
    refund is awaited, a charge that was never read is the price that was reserved.
    """
    reservation = ReservationState(row.reservation)
    is_due = reservation is ReservationState.REFUND_DUE
    surplus = max(0, refunded - (charged or row.price_micros))
    kept = max(0, (charged or row.price_micros) - refunded)
    cost = row.cost_micros or 0
    if not is_due and (not charged or kept == cost):
        return Decision(Booked(surplus_micros=surplus), values)
    return Decision(
        booked=Booked(
            adjusted_micros=0 if is_due else kept - cost, refund_seen=is_due, surplus_micros=surplus
        ),
        values={**values, **_money_columns(reservation, kept)},
        kind=LedgerKind.REFUND_SEEN if is_due else LedgerKind.ADJUSTED,
        spent_delta=kept - cost,
        due_delta=-row.price_micros if is_due else 0,
    )


def _money_columns(reservation: ReservationState, kept: int) -> dict[str, Any]:
    """The reservation and the cost of an attempt of which the provider keeps `kept` micros."""
    columns: dict[str, Any] = {"cost_micros": kept or None, "refund_until": None}
    if reservation is not (ReservationState.SETTLED if kept else ReservationState.RELEASED):
        event = ReservationEvent.MONEY_KEPT if kept else ReservationEvent.PAID_BACK
        columns["reservation"] = step(RESERVATION_TRANSITIONS, reservation, event).value
    return columns


def surplus_text(prediction_id: str, micros: int) -> str:
    """The message about a refund that an operator should check."""
    return f"refund is larger than the charge of task {prediction_id}: ${format_usd(micros)} extra, look"


def _book(tx: Tx, row: Any, line: BillLine) -> Booked:
    decided = what_to_book(row, line, tx.now)
    if not decided.values:
        return decided.booked
    if decided.kind is not None:
        _move(tx, row, decided.kind, spent=decided.spent_delta, due=decided.due_delta)
        tx.conn.execute(_ADD_COST, {"j_id": row.job_id, "d_cost": decided.spent_delta})
    if decided.booked.surplus_micros and line.refunded_micros != row.refunded_micros:
        _note_surplus(tx, row, decided.booked.surplus_micros)
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
