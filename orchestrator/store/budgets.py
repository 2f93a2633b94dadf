"""Keeping the caps of the configuration in the database, where every worker reads them."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, select

from orchestrator.store import money
from orchestrator.store.campaigns import ensure_campaign
from orchestrator.store.caps import set_cap
from orchestrator.store.database import Database, Tx
from orchestrator.store.schema import Scope, Window, budgets, campaigns

CONFIG: Final = "config"
Wanted = Mapping[tuple[Scope, str, Window], int]


def synchronize(database: Database, wanted: Wanted) -> None:
    """Make the caps that come from the configuration equal to `wanted` (by scope, name and window).

    A cap that an operator set stands over the configuration's. Nothing is written when nothing differs.
    """
    with database.read() as tx:
        if _stored(tx) == dict(wanted):
            return
    with database.write() as tx:
        stored = _stored(tx)
        by_operator = _overridden(tx)
        for key, cap in wanted.items():
            if stored.get(key) != cap and key not in by_operator:
                set_cap(tx, key[0], _scope_id(tx, key[0], key[1]), key[2], cap, CONFIG)
        for key in stored.keys() - wanted.keys():
            tx.conn.execute(
                delete(budgets).where(
                    budgets.c.scope == key[0].value,
                    budgets.c.scope_id == _scope_id(tx, key[0], key[1]),
                    budgets.c.window == key[2].value,
                    budgets.c.source == CONFIG,
                )
            )


def _stored(tx: Tx) -> dict[tuple[Scope, str, Window], int]:
    return {key: cap for key, (cap, source) in _all(tx).items() if source == CONFIG}


def _overridden(tx: Tx) -> set[tuple[Scope, str, Window]]:
    return {key for key, (_, source) in _all(tx).items() if source != CONFIG}


def _all(tx: Tx) -> dict[tuple[Scope, str, Window], tuple[int, str]]:
    query = (
        select(budgets, campaigns.c.name)
        .select_from(
            budgets.outerjoin(
                campaigns, (budgets.c.scope == Scope.CAMPAIGN.value) & (budgets.c.scope_id == campaigns.c.id)
            )
        )
        .where(budgets.c.scope != Scope.RUN.value)
    )
    return {
        (Scope(row.scope), row.name or "", Window(row.window)): (row.cap_micros, row.source)
        for row in tx.conn.execute(query)
    }


def _scope_id(tx: Tx, scope: Scope, name: str) -> int:
    return money.ACCOUNT_ID if scope is Scope.ACCOUNT else ensure_campaign(tx, name)


def declare(tx: Tx, scope: Scope, scope_id: int, window: Window, cap_micros: int | None, source: str) -> None:
    """Make a cap what its source says (None: no cap), unless an operator has set it: that stands."""
    if cap_micros is None:
        remove(tx, scope, scope_id, window, source=source)
        return
    standing = tx.conn.execute(
        select(budgets.c.source).where(
            budgets.c.scope == scope.value, budgets.c.scope_id == scope_id, budgets.c.window == window.value
        )
    ).scalar()
    if standing in {None, source}:
        set_cap(tx, scope, scope_id, window, cap_micros, source)


def remove(tx: Tx, scope: Scope, scope_id: int, window: Window, *, source: str | None = None) -> bool:
    """Remove a cap, whoever set it, or only one from `source`; the configuration's come back at the next start."""
    statement = delete(budgets).where(
        budgets.c.scope == scope.value, budgets.c.scope_id == scope_id, budgets.c.window == window.value
    )
    if source is not None:
        statement = statement.where(budgets.c.source == source)
    return bool(tx.conn.execute(statement).rowcount)
