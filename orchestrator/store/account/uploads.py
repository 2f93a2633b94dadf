"""Hosted copies of local images: uploaded once per distinct content, reused until the hosted URL expires."""

from sqlalchemy import select

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import uploads


def hosted_url(tx: Tx, base_url: str, sha256: str, *, until: int) -> str | None:
    """The URL of these bytes at this provider, if it is valid at least until `until` (ms)."""
    query = select(uploads.c.url).where(
        uploads.c.base_url == base_url, uploads.c.sha256 == sha256, uploads.c.expires_at >= until
    )
    return tx.conn.execute(query).scalar()


def remember(tx: Tx, base_url: str, sha256: str, url: str, *, lives_ms: int) -> None:
    """Record a hosted URL for `lives_ms` from now."""
    row = {"url": url, "uploaded_at": tx.now, "expires_at": tx.now + lives_ms}
    statement = dialect.insert(tx.conn, uploads).values(base_url=base_url, sha256=sha256, **row)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["base_url", "sha256"], set_=row))


def forget(tx: Tx, base_url: str, sha256: str) -> None:
    """Drop a hosted URL that the provider could not fetch."""
    tx.conn.execute(uploads.delete().where(uploads.c.base_url == base_url, uploads.c.sha256 == sha256))
