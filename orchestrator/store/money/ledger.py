"""Money: the ledger, and the balances, which are its running sums; the caps over them are in `caps`.

Every movement is a ledger row. Balances are kept per scope (account, campaign, run) and period (total, month,
day) and are changed only here, in the transaction of the ledger row, in one order of keys, so that several
writers cannot deadlock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import bindparam, update

from orchestrator.core.budget import periods_of
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.deferred_writes import Changes, LockOrder
from orchestrator.store.db.schema import LedgerKind, Scope, balances, ledger
from orchestrator.store.money.caps import BalanceKey, Cap
from orchestrator.store.money.passed_caps import note_passed
from orchestrator.store.money.thresholds import note_thresholds

ACCOUNT_ID: Final = 0


class CapRacedError(Exception):
    """Another worker took the money between our reading and our reservation; claim again."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One ledger entry: what it changes, and in which balances it counts."""

    kind: LedgerKind
    attempt_id: int | None
    run_id: int
    campaign_id: int
    day: str
    held_delta: int = 0
    spent_delta: int = 0
    refund_due_delta: int = 0
    note: str | None = None


def post(tx: Tx, movements: Sequence[Movement]) -> None:
    """Append to the ledger and note the balance changes; they are applied just before the commit."""
    if not movements:
        return
    dialect.run_many(tx.conn, _APPEND, [_ledger_row(tx.now, movement) for movement in movements])
    for place, deltas in _sums(movements).items():
        for key in balance_keys(*place):
            tx.deferred.add(LockOrder.BALANCES, _add_to_balances, key, *deltas)


def _sums(movements: Sequence[Movement]) -> dict[tuple[int, int, str], tuple[int, int, int]]:
    """Spent, held and refund due by run, campaign and day, because most movements of one transaction share
    these.
    """
    sums: dict[tuple[int, int, str], tuple[int, int, int]] = {}
    for each in movements:
        place = (each.run_id, each.campaign_id, each.day)
        spent, held, due = sums.get(place, (0, 0, 0))
        sums[place] = (spent + each.spent_delta, held + each.held_delta, due + each.refund_due_delta)
    return sums


def balance_keys(run_id: int, campaign_id: int, day: str) -> list[BalanceKey]:
    """The keys of all balances in which an amount of this run on this day counts."""
    periods = periods_of(day)
    return [
        *((Scope.ACCOUNT.value, ACCOUNT_ID, period) for period in periods),
        *((Scope.CAMPAIGN.value, campaign_id, period) for period in periods),
        *((Scope.RUN.value, run_id, period) for period in periods),
    ]


def _add_to_balances(tx: Tx, changes: Changes) -> None:
    # The first movement of a period is a reservation, which creates the row.
    _make_rows(tx, [key for key, (_spent, held, _due) in changes.items() if held > 0])
    dialect.run_many(tx.conn, _ADD, [_change(key, *deltas) for key, deltas in changes.items() if any(deltas)])
    note_passed(tx, {key: sum(deltas) for key, deltas in changes.items() if sum(deltas) > 0})


def reserve(tx: Tx, movements: Sequence[Movement], caps: Iterable[Cap]) -> None:
    """Book reservations exactly under every cap; raises CapRacedError when one would be exceeded, and then
    the transaction must be rolled back.

    Each capped balance is changed by a conditional update, in the order of keys, so that the cap holds for
    any number of workers and no lock is needed beyond those of the updates.
    """
    tx.deferred.write(tx)  # what this transaction has already moved counts first
    post(tx, movements)
    noted = tx.deferred.take(LockOrder.BALANCES)
    capped = {cap.key: cap for cap in caps}
    largest = max((movement.held_delta for movement in movements), default=0)
    _make_rows(tx, list(noted))
    for under_cap, rows in groupby(noted.items(), key=lambda row: row[0] in capped):
        if under_cap:
            for key, (_spent, held, _due) in rows:
                _hold(tx, capped[key], held, largest=largest)
        else:
            dialect.run_many(tx.conn, _ADD, [_change(key, *deltas) for key, deltas in rows])


def _hold(tx: Tx, cap: Cap, micros: int, *, largest: int) -> None:
    """Hold money under the cap; raises CapRacedError when it does not fit. `largest` is the dearest of the
    reservations that come to it.
    """
    change = {**_change(key=cap.key, spent=0, held=micros, due=0), "cap": cap.cap_micros}
    if dialect.run_many(tx.conn, _HOLD_UNDER_CAP, [change]) != 1:
        raise CapRacedError
    note_thresholds(tx, cap, micros, largest=largest)


def _change(key: BalanceKey, spent: int, held: int, due: int) -> dict[str, object]:
    scope, scope_id, period = key
    return {
        "k_scope": scope,
        "k_id": scope_id,
        "k_period": period,
        "d_spent": spent,
        "d_held": held,
        "d_due": due,
    }


def _make_rows(tx: Tx, keys: Sequence[BalanceKey]) -> None:
    dialect.run_many(
        tx.conn,
        dialect.insert_or_ignore(tx.conn, balances),
        [
            {
                "scope": scope,
                "scope_id": scope_id,
                "period": period,
                "spent_micros": 0,
                "held_micros": 0,
                "refund_due_micros": 0,
            }
            for scope, scope_id, period in keys
        ],
    )


def _ledger_row(now: int, movement: Movement) -> dict[str, object]:
    return {
        "at": now,
        "attempt_id": movement.attempt_id,
        "run_id": movement.run_id,
        "campaign_id": movement.campaign_id,
        "day": movement.day,
        "kind": movement.kind.value,
        "held_delta": movement.held_delta,
        "spent_delta": movement.spent_delta,
        "refund_due_delta": movement.refund_due_delta,
        "note": movement.note,
    }


_APPEND: Final = ledger.insert()

_KEY: Final = (
    (balances.c.scope == bindparam("k_scope"))
    & (balances.c.scope_id == bindparam("k_id"))
    & (balances.c.period == bindparam("k_period"))
)

_ADD: Final = (
    update(balances)
    .where(_KEY)
    .values(
        spent_micros=balances.c.spent_micros + bindparam("d_spent"),
        held_micros=balances.c.held_micros + bindparam("d_held"),
        refund_due_micros=balances.c.refund_due_micros + bindparam("d_due"),
    )
)

_HOLD_UNDER_CAP: Final = (
    update(balances)
    .where(_KEY)
    .where(
        balances.c.spent_micros + balances.c.held_micros + balances.c.refund_due_micros + bindparam("d_held")
        <= bindparam("cap")
    )
    .values(held_micros=balances.c.held_micros + bindparam("d_held"))
)
