"""Shares of a cap at which somebody is told: each once for a cap, however often money comes back and is held
again.
"""

from typing import Final

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window, events, passed_thresholds
from orchestrator.store.money.caps import Cap

THRESHOLDS: Final = (50, 80, 95)
"""Per cent of a cap that are spent or held."""

REACHED: Final = 100
"""Told when what is left is less than the job that was just reserved: sums of prices seldom meet a cap
exactly, and nobody waits for that.
"""


def note_thresholds(tx: Tx, cap: Cap, added: int, *, largest: int) -> None:
    """Record an event for every share that a reservation of `added` micros, in jobs of at most `largest`,
    reaches for the first time.
    """
    before = cap.counted_micros
    after = before + added
    whole = cap.cap_micros
    reached = [share for share in THRESHOLDS if before * 100 < share * whole <= after * 100]
    if before + largest <= cap.cap_micros < after + largest:
        reached.append(REACHED)
    for share in reached:
        if _is_new(tx, cap, share):
            _tell(tx, cap, share)


def _is_new(tx: Tx, cap: Cap, share: int) -> bool:
    scope, scope_id, period = cap.key
    row = {
        "scope": scope,
        "scope_id": scope_id,
        "period": period,
        "percent": share,
        "cap_micros": cap.cap_micros,
        "at": tx.now,
    }
    return dialect.run_many(tx.conn, dialect.insert_or_ignore(tx.conn, passed_thresholds), [row]) == 1


def _tell(tx: Tx, cap: Cap, share: int) -> None:
    when = "" if cap.window is Window.TOTAL else f" in {cap.period}"
    what = "is spent or held" if share < REACHED else "is reached: no such job fits any more"
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind="budget_threshold",
            message=f"{share} % of {cap.words} {what}{when}",
            campaign_id=cap.scope_id if cap.scope is Scope.CAMPAIGN else None,
            run_id=cap.scope_id if cap.scope is Scope.RUN else None,
        )
    )
