"""Caps: what may be spent in total, in a month or on a day, by the account, a campaign or a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import RowMapping, Select, Text, and_, bindparam, case, literal, or_, select

from orchestrator.core.budget import headroom
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window, balances, budgets

BalanceKey = tuple[str, int, str]
"""Scope, its id, and the period: of a balance, and of the cap over it."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap in its current period, with what is already counted under it."""

    scope: Scope
    scope_id: int
    window: Window
    period: str
    cap_micros: int
    spent_micros: int
    held_micros: int
    refund_due_micros: int

    @property
    def key(self) -> BalanceKey:
        """The balance this cap is over."""
        return (self.scope.value, self.scope_id, self.period)

    @property
    def headroom_micros(self) -> int:
        """What may still be reserved."""
        return headroom(
            cap_micros=self.cap_micros,
            spent_micros=self.spent_micros,
            held_micros=self.held_micros,
            refund_due_micros=self.refund_due_micros,
        )


def caps_in_force(
    tx: Tx, day: str, *, campaign_ids: Iterable[int] | None = None, run_ids: Iterable[int] | None = None
) -> list[Cap]:
    """Every cap of the account and of the given campaigns and runs (None: of all), for the periods of
    `day`.
    """
    values: dict[str, object] = {"day": day, "month": day[:7]}
    if campaign_ids is not None:
        values["campaigns"] = list(campaign_ids)
    if run_ids is not None:
        values["runs"] = list(run_ids)
    query = _caps_statement(campaign_ids is None, run_ids is None)
    return [_cap(row) for row in tx.conn.execute(query, values).mappings()]


@cache
def _caps_statement(all_campaigns: bool, all_runs: bool) -> Select[Any]:
    """Caps with what counts under them; built once for each of the four cases."""
    period = case(
        (budgets.c.window == Window.DAY.value, bindparam("day", type_=Text)),
        (budgets.c.window == Window.MONTH.value, bindparam("month", type_=Text)),
        else_=literal("total"),
    )
    wanted = [budgets.c.scope == Scope.ACCOUNT.value]
    for scope, everything, name in (
        (Scope.CAMPAIGN, all_campaigns, "campaigns"),
        (Scope.RUN, all_runs, "runs"),
    ):
        matches = budgets.c.scope == scope.value
        among = budgets.c.scope_id.in_(bindparam(name, expanding=True))
        wanted.append(matches if everything else and_(matches, among))
    return (
        select(
            budgets.c.scope,
            budgets.c.scope_id,
            budgets.c.window,
            period.label("period"),
            budgets.c.cap_micros,
            balances.c.spent_micros,
            balances.c.held_micros,
            balances.c.refund_due_micros,
        )
        .select_from(
            budgets.outerjoin(
                balances,
                (balances.c.scope == budgets.c.scope)
                & (balances.c.scope_id == budgets.c.scope_id)
                & (balances.c.period == period),
            )
        )
        .where(or_(*wanted))
        .order_by(budgets.c.scope, budgets.c.scope_id, budgets.c.window)
    )


def set_cap(tx: Tx, scope: Scope, scope_id: int, window: Window, cap_micros: int, source: str) -> None:
    """Set or change a cap. Lowering it below what is counted stops further spending and changes nothing
    else.
    """
    row = {
        "scope": scope.value,
        "scope_id": scope_id,
        "window": window.value,
        "cap_micros": cap_micros,
        "source": source,
        "set_at": tx.now,
    }
    statement = dialect.insert(tx.conn, budgets).values(row)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "scope_id", "window"],
            set_={name: statement.excluded[name] for name in ("cap_micros", "source", "set_at")},
        )
    )


def _cap(fields: RowMapping) -> Cap:
    return Cap(
        scope=Scope(fields["scope"]),
        scope_id=fields["scope_id"],
        window=Window(fields["window"]),
        period=fields["period"],
        cap_micros=fields["cap_micros"],
        spent_micros=fields["spent_micros"] or 0,
        held_micros=fields["held_micros"] or 0,
        refund_due_micros=fields["refund_due_micros"] or 0,
    )
