"""Replies that were lost a moment ago, of all workers, and what may be sent after them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.caution import Care, Loss, held_until, may_be_under_way
from orchestrator.core.states import AttemptState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts

NEWEST_MAX: Final = 200
"""Attempts that are looked at: more of them after a loss than ever are on the wire end its care."""


@dataclass(frozen=True, slots=True)
class AfterLosses:
    """What may be sent now."""

    room: int | None  # more requests; None: as many as the limits allow
    held_until: int | None  # ms; nothing is sent before


def after_losses(tx: Tx, care: Care | None) -> AfterLosses:
    """What the care after lost replies lets through. The caller has locked the account's row."""
    if care is None:
        return AfterLosses(None, None)
    newest = tx.conn.execute(_NEWEST).all()
    losses = [
        Loss(
            attempt_id=row.id,
            lost_at=row.doubted_at,
            answered_at=row.answered_at,
            is_open=row.state == AttemptState.IN_DOUBT.value,
        )
        for row in newest
        if row.doubted_at is not None
    ]
    last = max((loss.lost_at for loss in losses), default=0)
    accepted = sum(row.doubted_at is None and (row.accepted_at or 0) > last for row in newest)
    most = may_be_under_way(losses, accepted, care=care, now=tx.now)
    if most is None:
        return AfterLosses(None, None)
    if most == 0:
        return AfterLosses(0, held_until(losses, care))
    unsent = [AttemptState.LEASED.value, AttemptState.SUBMITTING.value]
    return AfterLosses(max(0, most - tx.conn.execute(_ON_THEIR_WAY, {"states": unsent}).scalar_one()), None)


_NEWEST: Final = (
    select(
        attempts.c.id,
        attempts.c.state,
        attempts.c.doubted_at,
        attempts.c.answered_at,
        attempts.c.accepted_at,
    )
    .order_by(attempts.c.id.desc())
    .limit(NEWEST_MAX)
)
_ON_THEIR_WAY: Final = select(func.count()).where(
    ATTEMPT_IS_LIVE, attempts.c.state.in_(bindparam("states", expanding=True))
)
