"""Whether jobs that could run wait for the account's submissions per minute."""

from typing import Final

from orchestrator.core.budget import day_of
from orchestrator.store.account import rate_limits
from orchestrator.store.claiming.selection import anything_fits
from orchestrator.store.db.database import Tx
from orchestrator.store.views.money import StoppedRow, last_admitted_at

RATE: Final = "rate_limit"


def rate_stop(tx: Tx, timezone: str) -> StoppedRow | None:
    """The stop of jobs that nothing but the rate holds back; None when there are none, or the rate has room.

    A million jobs cost no more than a few: it reads the window, and only when that is used up, the open
    lanes.
    """
    rate = rate_limits.rate_use(tx)
    if rate is None or not rate.binds or not anything_fits(tx, day_of(tx.now, timezone)):
        return None
    message = f"{rate.taken:,} of {rate.most:,} submits of the last minute are taken"
    return StoppedRow(
        scope="account",
        kind="account",
        name="",
        reason=RATE,
        message=message,
        since=last_admitted_at(tx) or tx.now,
        until=rate.next_at,
    )
