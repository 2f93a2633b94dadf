"""Ticks as rows: each exists once, and moves only from the state that its writer expects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.states import TICK_OPEN, TICK_TRANSITIONS, TickEvent, TickState, step
from orchestrator.core.tick_decisions import OpenTick
from orchestrator.core.ticks import Firing, TickKind
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import schedules, ticks

QUEUED: Final = "queued"
"""The reason of a due tick that waits for an earlier one of its schedule."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One firing of a schedule, as stored. Times in ms."""

    id: int
    schedule_id: int
    schedule: str
    key: str
    revision: int
    kind: TickKind
    at: int
    due_at: int
    local: str
    state: TickState
    reason: str | None
    message: str | None
    worker: str | None
    run_id: int | None
    approved_at: int | None
    stuck_since: int | None
    taken_at: int | None
    finished_at: int | None
    code: int | None

    @property
    def firing(self) -> Firing:
        """Which moment it is."""
        return Firing(self.key, self.at, self.local)

    @property
    def words(self) -> str:
        """What it is called: `always-fresh/nightly at 2026-11-28T02:30`."""
        return f"{self.schedule} at {self.local}"

    def after(self, event: TickEvent) -> TickState:
        """The state that `event` leads to."""
        return step(TICK_TRANSITIONS, self.state, event)

    @property
    def open(self) -> OpenTick:
        """As a decision needs it."""
        return OpenTick(
            id=self.id,
            at=self.at,
            due_at=self.due_at,
            kind=self.kind,
            state=self.state,
            queued=self.reason == QUEUED,
            approved=self.approved_at is not None,
            begun=self.taken_at is not None,
        )


def insert(
    tx: Tx, firing: Firing, *, schedule_id: int, revision: int, kind: TickKind, delay_ms: int = 0
) -> int | None:
    """Add a tick that is due; None when it is there already, whoever added it."""
    values = _row(firing, schedule_id=schedule_id, revision=revision, kind=kind)
    values |= {"due_at": firing.at + delay_ms, "state": step(TICK_TRANSITIONS, None, TickEvent.FIRED).value}
    return _insert(tx, values)


def insert_missed(tx: Tx, firing: Firing, *, schedule_id: int, revision: int, message: str) -> int | None:
    """Add a tick that nobody was there for; None when it is there already."""
    values = _row(firing, schedule_id=schedule_id, revision=revision, kind=TickKind.SCHEDULED)
    values |= {
        "state": step(TICK_TRANSITIONS, None, TickEvent.FOUND_LATE).value,
        "reason": "missed",
        "message": message,
        "finished_at": tx.now,
    }
    return _insert(tx, values)


def _row(firing: Firing, *, schedule_id: int, revision: int, kind: TickKind) -> dict[str, Any]:
    return {
        "schedule_id": schedule_id,
        "key": firing.key,
        "revision": revision,
        "kind": kind.value,
        "at": firing.at,
        "due_at": firing.at,
        "local": firing.local,
    }


def _insert(tx: Tx, values: dict[str, Any]) -> int | None:
    row = dialect.insert(tx.conn, ticks).values(created_at=tx.now, **values)
    row = row.on_conflict_do_nothing(index_elements=["schedule_id", "key"])
    return tx.conn.execute(row.returning(ticks.c.id)).scalar()


def move(tx: Tx, tick: Tick, event: TickEvent, **columns: Any) -> bool:
    """Take one step, with these columns; False for whoever is late: another has moved it since it was
    read.
    """
    after = tick.after(event)
    this = (ticks.c.id == tick.id) & (ticks.c.state == tick.state.value)
    if tick.state is TickState.EXPANDING:
        this &= ticks.c.worker == tick.worker  # whose lease was lost is late too
    changed = tx.conn.execute(update(ticks).where(this).values(state=after.value, **columns))
    return bool(changed.rowcount)


def mark(tx: Tx, tick_id: int, **columns: Any) -> None:
    """Note something about a tick that moves nothing."""
    tx.conn.execute(update(ticks).where(ticks.c.id == tick_id).values(**columns))


def open_ticks(tx: Tx, schedule_ids: Sequence[int] | None = None) -> list[Tick]:
    """Ticks from which something still becomes, oldest first."""
    query = _TICKS.where(ticks.c.state.in_(_OPEN)).order_by(ticks.c.at, ticks.c.id)
    if schedule_ids is not None:
        query = query.where(ticks.c.schedule_id.in_(schedule_ids))
    return [tick_of(row) for row in tx.conn.execute(query)]


def by_id(tx: Tx, tick_id: int) -> Tick:
    """A tick that exists."""
    return tick_of(tx.conn.execute(_BY_ID, {"tick": tick_id}).one())


def by_key(tx: Tx, schedule_id: int, key: str) -> Tick | None:
    """The tick of a schedule with that key, or local time, if there is one."""
    named = (ticks.c.key == key) | (ticks.c.local == key)
    query = _TICKS.where(ticks.c.schedule_id == schedule_id, named).order_by(ticks.c.id).limit(1)
    row = tx.conn.execute(query).one_or_none()
    return None if row is None else tick_of(row)


def newest(tx: Tx, schedule_id: int, limit: int = 1, *, before: int | None = None) -> list[Tick]:
    """The last ticks of a schedule, newest first."""
    query = _TICKS.where(ticks.c.schedule_id == schedule_id)
    if before is not None:
        query = query.where(ticks.c.at < before)
    rows = tx.conn.execute(query.order_by(ticks.c.at.desc(), ticks.c.id.desc()).limit(limit))
    return [tick_of(row) for row in rows]


def between(tx: Tx, schedule_id: int, after: int, *, until: int) -> list[Tick]:
    """The ticks of a schedule after one moment, up to and with another."""
    span = (ticks.c.schedule_id == schedule_id, ticks.c.at > after, ticks.c.at <= until)
    rows = tx.conn.execute(_TICKS.where(*span).order_by(ticks.c.at, ticks.c.id))
    return [tick_of(row) for row in rows]


def tick_of(row: Any) -> Tick:
    """A row as a value."""
    return Tick(
        id=row.id,
        schedule_id=row.schedule_id,
        schedule=row.schedule,
        key=row.key,
        revision=row.revision,
        kind=TickKind(row.kind),
        at=row.at,
        due_at=row.due_at,
        local=row.local,
        state=TickState(row.state),
        reason=row.reason,
        message=row.message,
        worker=row.worker,
        run_id=row.run_id,
        approved_at=row.approved_at,
        stuck_since=row.stuck_since,
        taken_at=row.taken_at,
        finished_at=row.finished_at,
        code=row.code,
    )


_OPEN: Final = [state.value for state in sorted(TICK_OPEN)]
_TICKS: Final = select(ticks, schedules.c.name.label("schedule")).join_from(ticks, schedules)
_BY_ID: Final = _TICKS.where(ticks.c.id == bindparam("tick"))
