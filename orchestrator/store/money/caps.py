"""Caps: what may be spent in total, in a month or on a day, by the account, a campaign or a run.

A cap and what counts under it are one `Cap`, read by one query, so that the claim, every screen and `plan`
see the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Select, Text, and_, bindparam, case, literal, or_, select

from orchestrator.core.budget import headroom
from orchestrator.core.money import format_usd
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, Scope, Window, balances, budgets, campaigns, runs
from orchestrator.store.money.cap_changes import StandingCap, note_change, standing

BalanceKey = tuple[str, int, str]
"""The scope, the id of its row, and the period of a balance and of the cap over it."""


class Counted(NamedTuple):
    """What counts in one scope and period, in micros."""

    spent_micros: int
    held_micros: int
    refund_due_micros: int


NOTHING: Final = Counted(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap in its current period, with what is already counted under it; money in micros."""

    scope: Scope
    scope_id: int
    name: str  # "account", the campaign's name, or campaign/name/run
    window: Window
    period: str
    cap_micros: int
    spent_micros: int
    held_micros: int
    refund_due_micros: int
    source: str  # manifest | config | operator

    @property
    def key(self) -> BalanceKey:
        """The key of the balance that this cap limits; no two caps share one."""
        return (self.scope.value, self.scope_id, self.period)

    @property
    def reserved_micros(self) -> int:
        """Money held for attempts, and refunds that are due; screens show it as `held`."""
        return self.held_micros + self.refund_due_micros

    @property
    def counted_micros(self) -> int:
        """Everything that counts under the cap."""
        return self.spent_micros + self.held_micros + self.refund_due_micros

    @property
    def remaining_micros(self) -> int:
        """What may still be reserved."""
        return headroom(
            cap_micros=self.cap_micros,
            spent_micros=self.spent_micros,
            held_micros=self.held_micros,
            refund_due_micros=self.refund_due_micros,
        )

    @property
    def over_micros(self) -> int:
        """By how much more counts than the cap allows: more was billed than was held, or it was lowered."""
        return max(0, self.counted_micros - self.cap_micros)

    @property
    def standing(self) -> str:
        """What is left, as the end of a sentence: `has $0.12 left`, or `was passed by $0.024`."""
        if self.over_micros:
            return f"was passed by ${format_usd(self.over_micros)}"
        return f"has ${format_usd(self.remaining_micros)} left"

    @property
    def words(self) -> str:
        """The cap in words."""
        return cap_words(scope=self.scope, name=self.name, window=self.window, cap_micros=self.cap_micros)


def cap_words(scope: Scope, name: str, window: Window, cap_micros: int) -> str:
    """A cap in words, such as `the day cap of campaign summer-sale ($50.00)`."""
    return f"{cap_name(scope, name, window)} (${format_usd(cap_micros)})"


def cap_name(scope: Scope, name: str, window: Window) -> str:
    """Which cap it is, such as `the day cap of campaign summer-sale`."""
    owner = "the account" if scope is Scope.ACCOUNT else f"{scope.value} {name}"
    kind = "cap" if window is Window.TOTAL else f"{window.value} cap"
    return f"the {kind} of {owner}"


def caps_in_force(
    tx: Tx, day: str, *, campaign_ids: Iterable[int] | None = None, run_ids: Iterable[int] | None = None
) -> list[Cap]:
    """Every cap of the account and of the given campaigns and runs (None: of all), for the periods of
    `day`; the account's first.
    """
    values: dict[str, object] = {"day": day, "month": day[:7]}
    if campaign_ids is not None:
        values["campaigns"] = list(campaign_ids)
    if run_ids is not None:
        values["runs"] = list(run_ids)
    query = _caps_statement(campaign_ids is None, run_ids is None)
    return [_cap(row) for row in tx.conn.execute(query, values)]


def balance(tx: Tx, key: BalanceKey) -> Counted:
    """What counts in one scope and period, capped or not."""
    scope, scope_id, period = key
    row = tx.conn.execute(_BALANCE, {"scope": scope, "id": scope_id, "period": period}).one_or_none()
    return NOTHING if row is None else Counted(*row)


def set_cap(
    tx: Tx,
    scope: Scope,
    scope_id: int,
    window: Window,
    *,
    cap_micros: int,
    source: str,
    overruled_micros: int | None = None,
) -> None:
    """Set or change a cap, with an event that says so. Lowering it below what is counted stops further
    spending and changes nothing else.
    """
    old = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    row = {
        "scope": scope.value,
        "scope_id": scope_id,
        "window": window.value,
        "cap_micros": cap_micros,
        "source": source,
        "set_at": tx.now,
        "overruled_micros": overruled_micros,
    }
    statement = dialect.insert(tx.conn, budgets).values(row)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "scope_id", "window"],
            set_={name: statement.excluded[name] for name in _WORD},
        )
    )
    new = StandingCap(cap_micros, source, overruled_micros)
    note_change(tx=tx, scope=scope, scope_id=scope_id, window=window, old=old, new=new)


def _cap(row: Row[Any]) -> Cap:
    scope = Scope(row.scope)
    return Cap(
        scope=scope,
        scope_id=row.scope_id,
        name="account" if scope is Scope.ACCOUNT else row.name or str(row.scope_id),
        window=Window(row.window),
        period=row.period,
        cap_micros=row.cap_micros,
        spent_micros=row.spent_micros or 0,
        held_micros=row.held_micros or 0,
        refund_due_micros=row.refund_due_micros or 0,
        source=row.source,
    )


@cache
def _caps_statement(all_campaigns: bool, all_runs: bool) -> Select[Any]:
    """Caps with their owners' names and what counts under them; built once for each of the four cases."""
    period = case(
        (budgets.c.window == Window.DAY.value, bindparam("day", type_=Text)),
        (budgets.c.window == Window.MONTH.value, bindparam("month", type_=Text)),
        else_=literal("total"),
    )
    is_campaign, is_run = (budgets.c.scope == scope.value for scope in (Scope.CAMPAIGN, Scope.RUN))
    wanted = [budgets.c.scope == Scope.ACCOUNT.value]
    for matches, everything, name in ((is_campaign, all_campaigns, "campaigns"), (is_run, all_runs, "runs")):
        among = budgets.c.scope_id.in_(bindparam(name, expanding=True))
        wanted.append(matches if everything else and_(matches, among))
    return (
        select(
            budgets.c.scope,
            budgets.c.scope_id,
            budgets.c.window,
            budgets.c.cap_micros,
            budgets.c.source,
            period.label("period"),
            balances.c.spent_micros,
            balances.c.held_micros,
            balances.c.refund_due_micros,
            case((is_run, RUN_PATH), else_=campaigns.c.name).label("name"),
        )
        .select_from(budgets)
        .outerjoin(
            balances,
            (balances.c.scope == budgets.c.scope)
            & (balances.c.scope_id == budgets.c.scope_id)
            & (balances.c.period == period),
        )
        .outerjoin(runs, is_run & (runs.c.id == budgets.c.scope_id))
        .outerjoin(
            campaigns,
            campaigns.c.id == case((is_campaign, budgets.c.scope_id), else_=runs.c.campaign_id),
        )
        .where(or_(*wanted))
        .order_by(budgets.c.scope, budgets.c.scope_id, budgets.c.window)
    )


_WORD: Final = ("cap_micros", "source", "set_at", "overruled_micros")
_BALANCE: Final = select(balances.c.spent_micros, balances.c.held_micros, balances.c.refund_due_micros).where(
    balances.c.scope == bindparam("scope"),
    balances.c.scope_id == bindparam("id"),
    balances.c.period == bindparam("period"),
)
