"""The audit of the books: everything that is stored twice is recomputed from the ledger and compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from orchestrator.core.states import ATTEMPT_LIVE, ReservationState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, balances, jobs, ledger
from orchestrator.store.money import closing
from orchestrator.store.money.ledger import balance_keys

if TYPE_CHECKING:
    from orchestrator.store.money.caps import BalanceKey

SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the books disagree."""

    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was checked, and what differs (the first hundred of each kind)."""

    entries: int
    balances: int
    attempts: int
    differences: tuple[Difference, ...]
    unlike: (
        int  # ended attempts that were billed another sum than was held, which is no difference in the books
    )
    unlike_micros: int  # by how much more, in all


def audit(tx: Tx) -> Audit:
    """Recompute balances, reservations and job costs from the ledger."""
    differences = [
        *_balances(tx),
        *_attempts(tx),
        *_reservations(tx),
        *_costs(tx),
        *_jobs(tx),
        *_closed_months(tx),
    ]
    unlike = tx.conn.execute(_UNLIKE).one()
    return Audit(
        entries=tx.conn.execute(select(func.count()).select_from(ledger)).scalar_one(),
        balances=tx.conn.execute(select(func.count()).select_from(balances)).scalar_one(),
        attempts=tx.conn.execute(select(func.count()).select_from(attempts)).scalar_one(),
        differences=tuple(differences),
        unlike=unlike.number,
        unlike_micros=int(unlike.micros),
    )


def _balances(tx: Tx) -> Iterator[Difference]:
    """Every balance equals the sum of the ledger rows that count in it."""
    sums = select(
        ledger.c.run_id,
        ledger.c.campaign_id,
        ledger.c.day,
        func.sum(ledger.c.spent_delta).label("spent"),
        func.sum(ledger.c.held_delta).label("held"),
        func.sum(ledger.c.refund_due_delta).label("due"),
    ).group_by(ledger.c.run_id, ledger.c.campaign_id, ledger.c.day)
    expected: dict[BalanceKey, tuple[int, int, int]] = {}
    for row in tx.conn.execute(sums):
        for key in balance_keys(row.run_id, row.campaign_id, row.day):
            spent, held, due = expected.get(key, (0, 0, 0))
            expected[key] = (spent + int(row.spent), held + int(row.held), due + int(row.due))
    found: dict[BalanceKey, tuple[int, int, int]] = {
        (row.scope, row.scope_id, row.period): (row.spent_micros, row.held_micros, row.refund_due_micros)
        for row in tx.conn.execute(select(balances))
    }
    nothing = (0, 0, 0)
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key, nothing) != found.get(key, nothing):
            yield Difference(
                f"balance {key[0]} {key[1]} {key[2]} (spent, held, refund due)",
                str(expected.get(key, nothing)),
                str(found.get(key, nothing)),
            )


def _attempts(tx: Tx) -> Iterator[Difference]:
    """Every attempt's ledger rows add up to what its reservation says."""
    sums = (
        select(
            ledger.c.attempt_id,
            func.sum(ledger.c.spent_delta).label("spent"),
            func.sum(ledger.c.held_delta).label("held"),
            func.sum(ledger.c.refund_due_delta).label("due"),
        )
        .group_by(ledger.c.attempt_id)
        .subquery()
    )
    is_held = attempts.c.reservation == ReservationState.HELD.value
    is_due = attempts.c.reservation == ReservationState.REFUND_DUE.value
    held = case((is_held, attempts.c.price_micros), else_=0)
    due = case((is_due, attempts.c.price_micros), else_=0)
    spent = func.coalesce(attempts.c.cost_micros, 0)
    query = (
        select(attempts.c.id, spent, held, due, sums.c.spent, sums.c.held, sums.c.due)
        .select_from(attempts.outerjoin(sums, sums.c.attempt_id == attempts.c.id))
        .where(
            sums.c.attempt_id.is_(None)
            | (sums.c.spent != spent)
            | (sums.c.held != held)
            | (sums.c.due != due)
        )
        .order_by(attempts.c.id)
        .limit(SHOWN_MAX)
    )
    for row in tx.conn.execute(query):
        yield Difference(
            f"attempt {row[0]} (spent, held, refund due)", str(tuple(row[1:4])), str(tuple(row[4:7]))
        )


def _reservations(tx: Tx) -> Iterator[Difference]:
    """Money is held exactly while an attempt is under way."""
    live = attempts.c.state.in_([state.value for state in sorted(ATTEMPT_LIVE)])
    held = attempts.c.reservation == ReservationState.HELD.value
    query = (
        select(attempts.c.id, attempts.c.state, attempts.c.reservation)
        .where((live & ~held) | (~live & held))
        .order_by(attempts.c.id)
        .limit(SHOWN_MAX)
    )
    for row in tx.conn.execute(query):
        yield Difference(
            f"attempt {row.id}", "held exactly while it is under way", f"{row.state} and {row.reservation}"
        )


def _costs(tx: Tx) -> Iterator[Difference]:
    """An attempt costs something exactly when its reservation says that money was kept."""
    cost = func.coalesce(attempts.c.cost_micros, 0)
    settled = attempts.c.reservation == ReservationState.SETTLED.value
    query = (
        select(attempts.c.id, attempts.c.reservation, cost.label("cost"))
        .where((settled & (cost == 0)) | (~settled & (cost != 0)))
        .order_by(attempts.c.id)
        .limit(SHOWN_MAX)
    )
    for row in tx.conn.execute(query):
        yield Difference(
            f"attempt {row.id}", "settled exactly when it has a cost", f"{row.reservation} and {row.cost}"
        )


def _jobs(tx: Tx) -> Iterator[Difference]:
    """Every job costs what its attempts cost."""
    costs = (
        select(attempts.c.job_id, func.sum(func.coalesce(attempts.c.cost_micros, 0)).label("cost"))
        .group_by(attempts.c.job_id)
        .subquery()
    )
    cost = func.coalesce(costs.c.cost, 0)
    query = (
        select(jobs.c.id, jobs.c.cost_micros, cost)
        .select_from(jobs.outerjoin(costs, costs.c.job_id == jobs.c.id))
        .where(jobs.c.cost_micros != cost)
        .order_by(jobs.c.id)
        .limit(SHOWN_MAX)
    )
    for row in tx.conn.execute(query):
        yield Difference(f"cost of job {row[0]}", str(row[2]), str(row[1]))


def _closed_months(tx: Tx) -> Iterator[Difference]:
    """The lines that a month was closed with are as they were."""
    for month, was, now in closing.changed_months(tx):
        yield Difference(f"digest of the lines that {month} was closed with", was, now)


_UNLIKE = select(
    func.count().label("number"),
    func.coalesce(func.sum(attempts.c.billed_micros - attempts.c.price_micros), 0).label("micros"),
).where(
    attempts.c.finished_at.is_not(None),
    attempts.c.billed_micros > 0,
    attempts.c.billed_micros != attempts.c.price_micros,
)
