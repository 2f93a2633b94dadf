"""What counted in any period, past or present, with or without a cap."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, case, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, Scope, Window, balances, budgets, campaigns, runs


@dataclass(frozen=True, slots=True)
class PeriodSums:
    """What counted in one scope and period, in micros."""

    scope: Scope
    name: str
    period: str
    spent_micros: int
    held_micros: int  # with refunds that are due
    cap_micros: int | None  # the cap over such a period as it is now; None: none is set

    @property
    def counted_micros(self) -> int:
        """Everything that counts under a cap."""
        return self.spent_micros + self.held_micros


def sums_of_period(tx: Tx, period: str, *, with_runs: bool = False) -> list[PeriodSums]:
    """The account, and every campaign (and run) of which something counted in a month or on a day."""
    window = Window.DAY if period.count("-") > 1 else Window.MONTH
    scopes = [scope.value for scope in Scope if with_runs or scope is not Scope.RUN]
    values = {"period": period, "window": window.value, "scopes": scopes}
    return [
        PeriodSums(
            scope=Scope(row.scope),
            name=row.name or "account",
            period=period,
            spent_micros=row.spent_micros,
            held_micros=row.held_micros + row.refund_due_micros,
            cap_micros=row.cap_micros,
        )
        for row in tx.conn.execute(_SUMS, values)
    ]


_IS_RUN: Final = balances.c.scope == Scope.RUN.value
_IS_CAMPAIGN: Final = balances.c.scope == Scope.CAMPAIGN.value
_SUMS: Final = (
    select(
        balances.c.scope,
        balances.c.spent_micros,
        balances.c.held_micros,
        balances.c.refund_due_micros,
        budgets.c.cap_micros,
        case((_IS_RUN, RUN_PATH), else_=campaigns.c.name).label("name"),
    )
    .select_from(balances)
    .outerjoin(
        budgets,
        (budgets.c.scope == balances.c.scope)
        & (budgets.c.scope_id == balances.c.scope_id)
        & (budgets.c.window == bindparam("window")),
    )
    .outerjoin(runs, _IS_RUN & (runs.c.id == balances.c.scope_id))
    .outerjoin(
        campaigns, campaigns.c.id == case((_IS_CAMPAIGN, balances.c.scope_id), else_=runs.c.campaign_id)
    )
    .where(
        balances.c.period == bindparam("period"),
        balances.c.scope.in_(bindparam("scopes", expanding=True)),
    )
    .order_by(balances.c.scope, campaigns.c.name, runs.c.id)
)
