"""What is to be told of ticks: each once, and a hold once, however many ticks take over in it."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.notices import Notice, NoticeKind
from orchestrator.core.states import TickState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import schedules, ticks

_TICKS: Final = {
    TickState.WAITING_APPROVAL: (NoticeKind.APPROVAL_WAITING, "waits for approval"),
    TickState.MISSED: (NoticeKind.SCHEDULE, "was missed"),
    TickState.FAILED: (NoticeKind.SCHEDULE, "has failed"),
}


def ticked(tx: Tx, since: int) -> Iterator[Notice]:
    """Ticks that fired since then, in ms, and wait for a person, were missed, or have failed."""
    values = {"since": since, "states": [state.value for state in _TICKS]}
    for row in tx.conn.execute(_TICKED, values):
        kind, words = _TICKS[TickState(row.state)]
        yield Notice(
            subject=f"tick {row.hold or row.id} {row.state}",
            kind=kind,
            title=f"Schedule {row.name}: the tick of {row.local} {words}",
            text=row.message or "",
            campaign=row.name.partition("/")[0],
            data={"schedule": row.name, "tick": row.local, "became": row.state, "reason": row.reason},
        )


_BEFORE, _AFTER = ticks.alias("before"), ticks.alias("after")
_WAS_HELD: Final = (_BEFORE.c.state == TickState.SUPERSEDED.value) & _BEFORE.c.taken_at.is_not(None)
_HOLD_BEGAN: Final = (
    select(func.max(_BEFORE.c.at))
    .where(_BEFORE.c.schedule_id == ticks.c.schedule_id, _BEFORE.c.at < ticks.c.at, ~_WAS_HELD)
    .correlate(ticks)
    .scalar_subquery()
)
_HOLD: Final = (
    select(func.min(_AFTER.c.id))
    .where(
        ticks.c.state == TickState.WAITING_APPROVAL.value,
        _AFTER.c.schedule_id == ticks.c.schedule_id,
        _AFTER.c.at > func.coalesce(_HOLD_BEGAN, 0),
        _AFTER.c.at <= ticks.c.at,
    )
    .correlate(ticks)
    .scalar_subquery()
)
"""The first of the ticks that were held one after another, each in the place of the one before: one hold."""

_TICKED: Final = (
    select(
        ticks.c.id,
        ticks.c.state,
        ticks.c.local,
        ticks.c.reason,
        ticks.c.message,
        schedules.c.name,
        _HOLD.label("hold"),
    )
    .join(schedules, schedules.c.id == ticks.c.schedule_id)
    .where(ticks.c.created_at >= bindparam("since"), ticks.c.state.in_(bindparam("states", expanding=True)))
    .order_by(ticks.c.id)
)
