"""What a person decides about ticks: run one now, make past ones, let one go on or not, want no more."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import update

from orchestrator.core.errors import NotFoundError
from orchestrator.core.states import TICK_OPEN, TICK_TRANSITIONS, TickEvent, TickState
from orchestrator.core.ticks import Firing, TickKind
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import schedules
from orchestrator.store.schedules import schedules as rows
from orchestrator.store.schedules.pings import owed
from orchestrator.store.schedules.schedules import Schedule, note
from orchestrator.store.schedules.ticks import Tick, by_id, by_key, insert, move, open_ticks


@dataclass(slots=True)
class AskedTicks:
    """What became of the ticks that were asked for."""

    begun: list[Tick] = field(default_factory=list)  # due now
    again: list[Tick] = field(default_factory=list)  # were over, and are due once more
    left: list[Tick] = field(default_factory=list)  # under way, or done: nothing is changed


def run_now(tx: Tx, schedule: Schedule) -> AskedTicks:
    """A tick of this moment. While one that was asked for before has not begun, it is that one: two people
    who ask at once mean the same. Raises NotFoundError for a schedule that was removed meanwhile.
    """
    schedule = rows.lock(tx, schedule.id)
    if schedule.removed_at is not None:
        raise NotFoundError(f"Schedule {schedule.name} was removed. Nothing was changed.")
    asked = [tick for tick in open_ticks(tx, [schedule.id]) if _waits_as_asked(tick)]
    if asked:
        return AskedTicks(left=asked[:1])
    local = schedule.timetable.local(tx.now)
    firing = Firing(f"now:{tx.now // 1000}", tx.now, local)
    added = insert(tx, firing, schedule_id=schedule.id, revision=schedule.revision, kind=TickKind.RUN_NOW)
    if added is not None:
        note(tx, "tick_due", f"{schedule.name} at {local} is due, because a person asked for it")
        return AskedTicks(begun=[by_id(tx, added)])
    known = by_key(tx, schedule.id, firing.key)  # it has begun within this second
    assert known is not None
    return AskedTicks(left=[known])


def backfill(tx: Tx, schedule: Schedule, firings: Sequence[Firing]) -> AskedTicks:
    """Make past ticks, oldest first, one at a time; one that failed or was missed is due again under its own
    key, and one that is done or under way is left alone.
    """
    asked = AskedTicks()
    for firing in firings:
        known = by_key(tx, schedule.id, firing.key)
        if known is None:
            added = insert(
                tx, firing, schedule_id=schedule.id, revision=schedule.revision, kind=TickKind.BACKFILL
            )
            if added is not None:
                asked.begun.append(by_id(tx, added))
                note(tx, "tick_due", f"{schedule.name} at {firing.local} is due: a backfill")
            continue
        (asked.again if _again(tx, known) else asked.left).append(known)
    return asked


def waiting(tx: Tx, schedule: Schedule) -> list[Tick]:
    """Ticks of the schedule that wait for a person, oldest first."""
    found = open_ticks(tx, [schedule.id])
    return [tick for tick in found if tick.state is TickState.WAITING_APPROVAL]


def approve(tx: Tx, tick: Tick) -> bool:
    """Let a tick go on as it is. False when it does not wait any more."""
    changed = move(tx, tick, TickEvent.APPROVED, approved_at=tx.now, taken_at=None, reason=None)
    if changed:
        note(tx, "tick_approved", f"{tick.words} goes on: a person has agreed")
    return changed


def refuse(tx: Tx, tick: Tick, why: str, *, schedule: Schedule) -> bool:
    """Do not make a tick that waits. False when it does not wait any more."""
    columns = {"reason": "refused", "message": why, "finished_at": tx.now}
    changed = move(tx, tick, TickEvent.REFUSED, **columns, **owed(tx, schedule.words.ping, "0"))
    if changed:
        note(tx, "tick_skipped", f"{tick.words} is skipped: {why}")
    return changed


def remove(tx: Tx, schedule: Schedule) -> None:
    """Fire nothing any more and list the schedule no longer; its ticks and their runs stay.

    What has begun goes on, also where its worker has died. What has not is skipped: nobody who looks at
    schedules would see it, or could let it go on.
    """
    rows.lock(tx, schedule.id)  # a worker that takes a tick at this moment is waited for
    for tick in open_ticks(tx, [schedule.id]):
        columns = {"reason": "removed", "message": "its schedule was removed", "finished_at": tx.now}
        if tick.state is TickState.WAITING_APPROVAL:
            columns |= owed(tx, schedule.words.ping, "0")
            changed = move(tx, tick, TickEvent.REFUSED, **columns)
        else:
            is_left = tick.state is TickState.DUE and tick.taken_at is None
            changed = is_left and move(tx, tick, TickEvent.SKIPPED, **columns)
        if changed:
            note(tx, "tick_skipped", f"{tick.words} is skipped: its schedule was removed")
    this = schedules.c.id == schedule.id
    tx.conn.execute(update(schedules).where(this).values(removed_at=tx.now, next_at=None, paused_at=None))


def _waits_as_asked(tick: Tick) -> bool:
    return tick.kind is TickKind.RUN_NOW and tick.state is TickState.DUE and tick.taken_at is None


def _again(tx: Tx, tick: Tick) -> bool:
    if tick.state in TICK_OPEN or (tick.state, TickEvent.ASKED_AGAIN) not in TICK_TRANSITIONS:
        return False
    columns = {
        "kind": TickKind.BACKFILL.value,
        "due_at": tx.now,
        "stuck_since": None,
        "finished_at": None,
        "taken_at": None,
    }
    changed = move(tx, tick, TickEvent.ASKED_AGAIN, reason=None, message=None, code=None, **columns)
    if changed:
        note(tx, "tick_due", f"{tick.words} is due again: a backfill")
    return changed
