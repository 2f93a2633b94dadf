"""The dead-man's switch: what the address of a schedule is still to hear of a tick.

What is owed is written with the step itself, so that a worker that dies between both leaves it to the next
one. An end that comes before the start was told replaces it. At most a few tries are made: the address itself
notices silence, which is what it is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import exists, select, update

from orchestrator.core.ticks import words_from
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import schedules, ticks

START: Final = "start"
TRIES_MAX: Final = 5
AGAIN_MS: Final = 60_000
"""A ping that got no answer is tried again after a minute, and by nobody else meanwhile."""


@dataclass(frozen=True, slots=True)
class Ping:
    """One thing to tell."""

    tick_id: int
    url: str
    what: str  # start, or an exit code

    @property
    def address(self) -> str:
        """Where: the address itself, with `/start` or the exit code behind it, as healthchecks.io has it."""
        head, mark, query = self.url.partition("?")
        return f"{head.rstrip('/')}/{self.what}{mark}{query}"


def owed(tx: Tx, url: str | None, what: str) -> dict[str, Any]:
    """The columns that go into the step of a tick."""
    return {"ping_owed": what, "ping_at": tx.now, "ping_tries": 0} if url else {}


def any_owed(tx: Tx) -> bool:
    """Whether something is to be told now."""
    owing = exists().where(ticks.c.ping_owed.is_not(None), ticks.c.ping_at <= tx.now)
    return bool(tx.conn.execute(select(owing)).scalar())


def take(tx: Tx, limit: int = 10) -> list[Ping]:
    """What is to be told now; nobody else tells it for a minute."""
    query = (
        select(ticks.c.id, ticks.c.ping_owed, ticks.c.ping_tries, schedules)
        .join_from(ticks, schedules)
        .where(ticks.c.ping_owed.is_not(None), ticks.c.ping_at <= tx.now)
        .order_by(ticks.c.ping_at)
        .limit(limit)
    )
    found = []
    for row in tx.conn.execute(dialect.lock_rows(tx.conn, query, ticks, skip_locked=True)).all():
        url = words_from(row.cron, row.timezone, row.settings).ping
        is_last = url is None or row.ping_tries + 1 >= TRIES_MAX
        values = {"ping_tries": row.ping_tries + 1, "ping_at": tx.now + AGAIN_MS}
        values |= {"ping_owed": None} if is_last else {}
        tx.conn.execute(update(ticks).where(ticks.c.id == row.id).values(**values))
        if url:
            found.append(Ping(row.id, url, row.ping_owed))
    return found


def told(tx: Tx, rows: Sequence[Ping]) -> None:
    """It was heard; what is owed since then stays."""
    for ping in rows:
        this = (ticks.c.id == ping.tick_id) & (ticks.c.ping_owed == ping.what)
        tx.conn.execute(update(ticks).where(this).values(ping_owed=None))
