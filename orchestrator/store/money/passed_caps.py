"""The event of a cap that was passed: by a bill that was dearer than the hold, or by a task that was adopted.

No reservation passes a cap; what was paid all the same is counted, and somebody is told at that moment.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, select

from orchestrator.core.money import format_usd
from orchestrator.store.account.subjects import cap_subject
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window, balances, budgets, events
from orchestrator.store.money.caps import BalanceKey


def note_passed(tx: Tx, rises: Mapping[BalanceKey, int]) -> None:
    """Record each cap that is passed since its balance rose by so many micros, which was written just now."""
    for (scope, scope_id, period), rise in rises.items():
        window = _window(period)
        key = {"p_scope": scope, "p_id": scope_id, "p_window": window.value, "p_period": period}
        row = tx.conn.execute(_UNDER, key).one_or_none()
        if row is None or not row.counted - rise <= row.cap_micros < row.counted:
            continue
        subject = cap_subject(tx=tx, scope=Scope(scope), scope_id=scope_id, window=window)
        when = "" if window is Window.TOTAL else f" in {period}"
        tx.conn.execute(
            events.insert().values(
                at=tx.now,
                kind="cap_passed",
                message=(
                    f"{subject.words} (${format_usd(row.cap_micros)}) is passed{when}: "
                    f"${format_usd(row.counted)} counts, over by ${format_usd(row.counted - row.cap_micros)}"
                ),
                campaign_id=subject.campaign_id,
                run_id=subject.run_id,
            )
        )


def _window(period: str) -> Window:
    """The window of a period: `total`, `2026-11` or `2026-11-22`."""
    if period == "total":
        return Window.TOTAL
    return Window.DAY if period.count("-") > 1 else Window.MONTH


_UNDER: Final = (
    select(
        budgets.c.cap_micros,
        (balances.c.spent_micros + balances.c.held_micros + balances.c.refund_due_micros).label("counted"),
    )
    .select_from(budgets)
    .join(
        balances,
        (balances.c.scope == budgets.c.scope) & (balances.c.scope_id == budgets.c.scope_id),
    )
    .where(
        budgets.c.scope == bindparam("p_scope"),
        budgets.c.scope_id == bindparam("p_id"),
        budgets.c.window == bindparam("p_window"),
        balances.c.period == bindparam("p_period"),
    )
)
