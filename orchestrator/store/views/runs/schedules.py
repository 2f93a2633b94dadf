"""Schedules as they are shown: when each fires next, what its last tick came to, what waits."""

from dataclasses import dataclass

from orchestrator.core.states import TICK_BUSY, TickState
from orchestrator.store.db.database import Tx
from orchestrator.store.schedules.schedules import Schedule, every
from orchestrator.store.schedules.ticks import Tick, newest, open_ticks


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule with what matters of its ticks."""

    schedule: Schedule
    last: Tick | None  # the newest that is over or under way
    due: list[Tick]
    working: list[Tick]
    waiting: list[Tick]  # for a person

    @property
    def next_at(self) -> int | None:
        """When it fires next, in ms; None while it is paused, and for one that never fires again."""
        return None if self.schedule.paused_at is not None else self.schedule.next_at


def schedule_rows(tx: Tx, schedules: list[Schedule] | None = None) -> list[ScheduleRow]:
    """Every schedule, or these, by name."""
    return [_row(tx, schedule) for schedule in (every(tx) if schedules is None else schedules)]


def _row(tx: Tx, schedule: Schedule) -> ScheduleRow:
    found = open_ticks(tx, [schedule.id])
    begun = [tick for tick in newest(tx, schedule.id, 10) if tick.state is not TickState.DUE]
    return ScheduleRow(
        schedule,
        begun[0] if begun else None,
        due=[tick for tick in found if tick.state is TickState.DUE],
        working=[tick for tick in found if tick.state in TICK_BUSY],
        waiting=[tick for tick in found if tick.state is TickState.WAITING_APPROVAL],
    )
