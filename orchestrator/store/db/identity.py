"""Which database this is: an id made with it, which its copies share and no other database has."""

from typing import Final

from sqlalchemy import text

from orchestrator.store.db.database import Tx

KEY: Final = "database_id"
"""The row of `meta` that holds it. A migration makes it, and `ensure` where that row is gone."""


def database_id(tx: Tx) -> str | None:
    """The id; None in a database whose row is gone."""
    found: str | None = tx.conn.execute(_READ, {"key": KEY}).scalar()
    return found


def ensure(tx: Tx) -> str:
    """The id, made now when there is none."""
    tx.conn.execute(text(_MAKE[tx.conn.dialect.name]), {"key": KEY})
    return str(tx.conn.execute(_READ, {"key": KEY}).scalar_one())


_READ: Final = text("SELECT value FROM meta WHERE key = :key")
_MAKE: Final = {
    "sqlite": (
        "INSERT INTO meta (key, value) VALUES (:key, lower(hex(randomblob(16)))) ON CONFLICT DO NOTHING"
    ),
    "postgresql": (
        "INSERT INTO meta (key, value) VALUES (:key, replace(gen_random_uuid()::text, '-', '')) "
        "ON CONFLICT DO NOTHING"
    ),
}
