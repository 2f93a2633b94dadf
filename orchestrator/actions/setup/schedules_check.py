"""Schedules: when they fire, what waits, and whether anybody is there to make it."""

import os
from collections.abc import Iterator

from orchestrator.actions.setup.check import Check, CheckResult
from orchestrator.store.account import workers
from orchestrator.store.db.database import Database
from orchestrator.store.stops.tick_attention import tick_attention
from orchestrator.store.views.runs.schedules import ScheduleRow, schedule_rows


def examine(database: Database) -> Iterator[Check]:
    """One line for each schedule that needs somebody, one for all others together; none without schedules."""
    with database.read() as tx:
        rows, attended = schedule_rows(tx), workers.any_alive(tx)
        troubled = tick_attention(tx)
    if not rows:
        return
    for stop in troubled:
        yield _warn(f"{stop.name}: {stop.message}", f"See: orchestrator schedule show {stop.name}")
    for row in rows:
        path = row.schedule.manifest_path
        if not os.access(path, os.R_OK):
            fix = "Only a worker on a host that has it can make its ticks."
            yield _warn(f"{row.schedule.name}: {path} cannot be read on this host", fix)
    if not attended:
        yield _warn("no worker runs: nothing fires until one does", "Start: orchestrator work")
    names = ", ".join(_words(row) for row in rows)
    yield Check("schedules", CheckResult.OK, names)


def _warn(message: str, fix: str) -> Check:
    return Check("schedules", CheckResult.WARN, message, fix=fix)


def _words(row: ScheduleRow) -> str:
    last = f", last {row.last.local} {row.last.state.value}" if row.last else ""
    if row.schedule.paused_at is not None:
        return f"{row.schedule.name} is paused{last}"
    if row.schedule.next_at is None:
        return f"{row.schedule.name} never fires again{last}"
    return f"{row.schedule.name} next {row.schedule.timetable.local(row.schedule.next_at)}{last}"
