"""What of schedules a person should look at: a night that failed, waits, or that no worker can begin."""

from typing import Any, Final

from sqlalchemy import select

from orchestrator.core.states import TickState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import schedules, ticks
from orchestrator.store.stops.stops import Stoppage

TICK_FAILED: Final = "tick_failed"
TICK_WAITING: Final = "tick_waiting"
TICK_UNREAD: Final = "tick_unread"
SCHEDULE_PAUSED: Final = "schedule_paused"
TICK_ATTENTION: Final = frozenset({TICK_FAILED, TICK_WAITING, TICK_UNREAD, SCHEDULE_PAUSED})

UNREAD_MS: Final = 600_000
"""A due tick that no worker has begun for ten minutes: none of them reads its manifest, or none runs."""


def tick_attention(tx: Tx) -> list[Stoppage]:
    """One line for each schedule that needs a person, by its newest tick, and for each that failures have
    paused.
    """
    found = []
    for row in tx.conn.execute(_SCHEDULES):
        if row.paused_at is not None and row.failures:
            found.append(_stoppage(row, SCHEDULE_PAUSED, str(row.paused_why), since=row.paused_at))
            continue
        tick = tx.conn.execute(_NEWEST.where(ticks.c.schedule_id == row.id).limit(1)).one_or_none()
        if tick is not None and (said := _said(tick, row, tx.now)) is not None:
            found.append(_stoppage(row, *said))
    return found


def _said(tick: Any, schedule: Any, now: int) -> tuple[str, str, int] | None:
    match TickState(tick.state):
        case TickState.FAILED:
            return (
                TICK_FAILED,
                f"the tick of {tick.local} failed: {_one_line(tick.message)}",
                tick.finished_at,
            )
        case TickState.WAITING_APPROVAL:
            said = _one_line(tick.message)
            return TICK_WAITING, f"the tick of {tick.local} waits for a person: {said}", tick.taken_at
        case TickState.DUE if tick.reason is None and now - tick.due_at > UNREAD_MS:
            message = (
                f"the tick of {tick.local} is due, and no worker that reads {schedule.manifest_path} has "
                "begun it: start `orchestrator work` where that file is"
            )
            return TICK_UNREAD, message, tick.due_at
        case _:
            return None


def _one_line(message: str | None) -> str:
    return "; ".join((message or "").splitlines())


def _stoppage(row: Any, reason: str, message: str, since: int) -> Stoppage:
    return Stoppage(
        scope="schedule",
        key=str(row.id),
        name=row.name,
        reason=reason,
        message=message,
        since=since,
        until=None,
    )


_SCHEDULES: Final = select(schedules).where(schedules.c.removed_at.is_(None)).order_by(schedules.c.name)
_NEWEST: Final = select(ticks).order_by(ticks.c.at.desc(), ticks.c.id.desc())
