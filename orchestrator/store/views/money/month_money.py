"""What attempts cost and were billed in a month, by group: one pass over the attempts.

The database sums a few columns for each standing of an attempt to the month; `core.month_money` says
what those sums mean.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal_column, or_, select

from orchestrator.core.month_money import MONEY, ColumnSums, MoneyStanding, money_of
from orchestrator.core.states import AttemptState, ReservationState
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts
from orchestrator.store.views.money.month_sums import (
    BOOKED,
    Dimension,
    Group,
    MonthBounds,
    of_jobs,
    value_of,
)


def money(tx: Tx, bounds: MonthBounds, by: Sequence[Dimension] = ()) -> dict[Group, dict[str, int]]:
    """What each group comes to, by the names in `MONEY`.

    SQLite sorts what it groups, but for runs, which it takes in the order of an index: there, the usual
    attempts are summed by themselves where nothing else tells groups apart, and only the rest is sorted.
    """
    found: dict[Group, dict[str, int]] = {}
    in_month: ColumnElement[bool] = or_(BOOKED, _CHARGED, _REFUNDED)
    if not by and tx.conn.dialect.name == "sqlite":
        in_month &= case((_USUAL, 1), else_=0) == 0
        for run_id, cost, billed in tx.conn.execute(_USUAL_SUMS, bounds.values):
            sums = {"spent": cost, "charged": billed or 0, "unread": (billed or 0) - cost}
            found[run_id,] = {**dict.fromkeys(MONEY, 0), **sums}
    values = [value_of(each).label(f"value{at}") for at, each in enumerate(by)]
    query = of_jobs(select(_STANDING, attempts.c.run_id, *values, *_COLUMNS), by).where(in_month)
    query = query.group_by(_STANDING, attempts.c.run_id, *values)
    with dialect.hashed_groups(tx.conn, few=not by):
        rows = tx.conn.execute(query, bounds.values).all()
    for row in rows:
        group: Group = tuple(row[1 : 2 + len(by)])
        told = found.setdefault(group, dict.fromkeys(MONEY, 0))
        columns = ColumnSums(*(int(value or 0) for value in row[2 + len(by) :]))
        for name, amount in money_of(MoneyStanding(row[0]), columns):
            told[name] += amount
    return found


_AT: Final = func.coalesce(attempts.c.charged_at, attempts.c.accepted_at, attempts.c.finished_at)
_BACK_AT: Final = func.coalesce(attempts.c.refunded_at, attempts.c.billed_at)
_CHARGED: Final[ColumnElement[bool]] = and_(
    attempts.c.billed_micros > 0, _AT.between(bindparam("start"), bindparam("last_ms"))
)
_REFUNDED: Final[ColumnElement[bool]] = and_(
    attempts.c.refunded_micros > 0, _BACK_AT.between(bindparam("start"), bindparam("last_ms"))
)
_IS_SETTLED: Final = attempts.c.reservation == ReservationState.SETTLED.value
_UNREAD: Final = attempts.c.billed_micros.is_(None)
_USUAL: Final = and_(
    BOOKED,
    _IS_SETTLED,
    attempts.c.cost_micros > 0,
    attempts.c.state == AttemptState.SUCCEEDED.value,
    or_(_UNREAD, _CHARGED & (attempts.c.billed_micros == attempts.c.cost_micros)),
    func.coalesce(attempts.c.refunded_micros, 0) == 0,
)
"""Admitted in the month, kept, and charged in it for as much; or not on any bill yet."""

_USUAL_SUMS: Final = (
    select(attempts.c.run_id, func.sum(attempts.c.cost_micros), func.sum(attempts.c.billed_micros))
    .where(_USUAL)
    .group_by(attempts.c.run_id)
)


def _flag(when: ColumnElement[bool], standing: MoneyStanding) -> ColumnElement[int]:
    return case((when, literal_column(str(int(standing)))), else_=literal_column("0"))


_STANDING: Final = reduce(
    add,
    [
        _flag(BOOKED, MoneyStanding.BOOKED),
        _flag(_CHARGED, MoneyStanding.CHARGED),
        _flag(_REFUNDED, MoneyStanding.REFUNDED),
        _flag(_UNREAD, MoneyStanding.UNREAD),
        _flag(attempts.c.state == AttemptState.FAILED.value, MoneyStanding.FAILED),
        _flag(_IS_SETTLED, MoneyStanding.SETTLED),
        _flag(attempts.c.reservation == ReservationState.HELD.value, MoneyStanding.HELD),
        _flag(attempts.c.reservation == ReservationState.REFUND_DUE.value, MoneyStanding.DUE),
    ],
).label("standing")
_COLUMNS: Final = (
    func.count(),
    func.sum(attempts.c.price_micros),
    func.sum(attempts.c.cost_micros),
    func.sum(attempts.c.billed_micros),
    func.sum(attempts.c.refunded_micros),
)
"""As `ColumnSums` has them."""
