"""How configurations, manifests and operators may change the caps, which every worker reads from the
database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope, Window, budgets, campaigns
from orchestrator.store.money import ledger
from orchestrator.store.money.cap_changes import note_change, remove_cap, standing
from orchestrator.store.money.caps import set_cap
from orchestrator.store.runs.campaigns import ensure_campaign

CONFIG: Final = "config"
Key = tuple[Scope, str, Window]
"""The scope of a cap, the campaign's name (empty for the account), and the window."""


@dataclass(frozen=True, slots=True)
class Overruled:
    """A cap of a configuration that does not count because another prevails; amounts in micros."""

    key: Key
    wanted_micros: int
    cap_micros: int
    source: str


def take_configured(database: Database, wanted: Mapping[Key, int]) -> list[Overruled]:
    """Let a configuration set caps that are not set yet, and lower caps that a configuration set; returns
    those of its caps that do not count.

    Several configurations may share one database, so none may raise a cap, or remove one that it does not
    name. Only an operator may, and caps of an operator prevail over those of a configuration. When nothing
    changes, nothing is written.
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
    """Set or lower a cap. The condition is checked in the write itself, because another configuration may
    have written a stricter cap in the meantime.
    """
    scope, name, window = key
    scope_id = _scope_id(tx, scope, name)
    old = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    row = {
        "scope": scope.value,
        "scope_id": scope_id,
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
    new = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    note_change(tx=tx, scope=scope, scope_id=scope_id, window=window, old=old, new=new)


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
    """Set a cap as its source says (None: no cap), unless another source has set it, which prevails."""
    found = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    if found is not None and found.source != source:
        return
    if cap_micros is None:
        remove_cap(tx=tx, scope=scope, scope_id=scope_id, window=window)
    else:
        set_cap(tx=tx, scope=scope, scope_id=scope_id, window=window, cap_micros=cap_micros, source=source)
