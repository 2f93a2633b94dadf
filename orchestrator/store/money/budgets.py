"""Caps in the database, where every worker reads them: what a configuration and a manifest may do to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope, Window, budgets, campaigns
from orchestrator.store.money import ledger
from orchestrator.store.money.caps import set_cap
from orchestrator.store.runs.campaigns import ensure_campaign

CONFIG: Final = "config"
Key = tuple[Scope, str, Window]
"""The scope of a cap, the campaign's name (empty for the account), and the window."""


@dataclass(frozen=True, slots=True)
class Overruled:
    """A cap of a configuration that does not count, because another is in force; amounts in micros."""

    key: Key
    wanted_micros: int
    cap_micros: int
    source: str


def take_configured(database: Database, wanted: Mapping[Key, int]) -> list[Overruled]:
    """Let a configuration set caps that nobody has set, and make its own kind stricter; answers what does not
    count.

    Several configurations may work on one database, so none may remove a cap that it does not name, or raise
    one: that is for an operator, whose caps prevail over every configuration's. Nothing is written when
    nothing changes.
    """
    with database.read() as tx:
        stored = _stored(tx)
    news = {key: cap for key, cap in wanted.items() if _counts(cap, stored.get(key))}
    if news:
        with database.write() as tx:
            for key, cap in news.items():
                _tighten(tx, key, cap)
            stored = _stored(tx)
    return [
        Overruled(key, cap, *stored[key])
        for key, cap in wanted.items()
        if key in stored and stored[key][0] != cap
    ]


def _counts(cap: int, stored: tuple[int, str] | None) -> bool:
    return stored is None or (stored[1] == CONFIG and cap < stored[0])


def _tighten(tx: Tx, key: Key, cap: int) -> None:
    """Decided by the row as it is when it is written: another configuration may have come first with a
    stricter cap.
    """
    scope, name, window = key
    row = {
        "scope": scope.value,
        "scope_id": _scope_id(tx, scope, name),
        "window": window.value,
        "cap_micros": cap,
        "source": CONFIG,
        "set_at": tx.now,
    }
    statement = dialect.insert(tx.conn, budgets).values(row)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "scope_id", "window"],
            set_={column: statement.excluded[column] for column in ("cap_micros", "set_at")},
            where=(budgets.c.source == CONFIG) & (budgets.c.cap_micros > statement.excluded.cap_micros),
        )
    )


def _stored(tx: Tx) -> dict[Key, tuple[int, str]]:
    """Caps of the account and the campaigns, with who set them."""
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
    return ledger.ACCOUNT_ID if scope is Scope.ACCOUNT else ensure_campaign(tx, name)


def declare(tx: Tx, scope: Scope, scope_id: int, window: Window, cap_micros: int | None, source: str) -> None:
    """Make a cap what its source says (None: no cap), unless an operator has set it: that prevails."""
    if cap_micros is None:
        remove(tx=tx, scope=scope, scope_id=scope_id, window=window, source=source)
        return
    stored_source = tx.conn.execute(
        select(budgets.c.source).where(
            budgets.c.scope == scope.value, budgets.c.scope_id == scope_id, budgets.c.window == window.value
        )
    ).scalar()
    if stored_source in {None, source}:
        set_cap(tx=tx, scope=scope, scope_id=scope_id, window=window, cap_micros=cap_micros, source=source)


def remove(tx: Tx, scope: Scope, scope_id: int, window: Window, *, source: str | None = None) -> bool:
    """Remove a cap, whoever set it, or only one from `source`; one that a configuration names comes back
    with it.
    """
    statement = delete(budgets).where(
        budgets.c.scope == scope.value, budgets.c.scope_id == scope_id, budgets.c.window == window.value
    )
    if source is not None:
        statement = statement.where(budgets.c.source == source)
    return bool(tx.conn.execute(statement).rowcount)
