"""Expanding: a due tick is taken under a lease by a worker that reads its manifest, and becomes a run."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, select, update

from orchestrator.core.states import TickEvent, TickState
from orchestrator.core.tick_decisions import Admission, admissions
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import runs, schedules, ticks
from orchestrator.store.schedules import schedules as rows
from orchestrator.store.schedules.pings import START, owed
from orchestrator.store.schedules.schedules import Schedule, count_failure, note
from orchestrator.store.schedules.ticks import QUEUED, Tick, by_id, mark, move, open_ticks

LEASE_MS: Final = 120_000
"""How long a worker may be silent while it expands a tick; it prolongs the lease as long as it lives."""


@dataclass(frozen=True, slots=True)
class TickWhy:
    """Why a tick is not made, or not yet: a machine word, and sentences for people."""

    reason: str
    message: str
    code: int = 2  # the exit code that a command would have ended with

    @property
    def first(self) -> str:
        """The first line: the whole list of errors of a manifest may be long."""
        return self.message.strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class TickOrder:
    """A tick that this worker is to expand."""

    tick: Tick
    schedule: Schedule

    @property
    def approved(self) -> bool:
        """Whether a person has agreed to what a guard held."""
        return self.tick.approved_at is not None


class TickVerdict(StrEnum):
    """What came of expanding a tick."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    FAILED = "failed"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Expanded:
    """The answer of whoever expanded a tick: a run, or why there is none."""

    verdict: TickVerdict
    run_id: int | None = None
    message: str | None = None
    why: TickWhy | None = None


def finish(tx: Tx, order: TickOrder, expanded: Expanded) -> bool:
    """Write what came of it; False for a worker that lost its lease."""
    if expanded.run_id is not None:
        return applied(tx, order, expanded.run_id, message=expanded.message)
    assert expanded.why is not None
    write = {TickVerdict.SKIPPED: skipped, TickVerdict.HELD: held}.get(expanded.verdict, failed)
    return write(tx, order, expanded.why)


def manifests_due(tx: Tx) -> dict[int, str]:
    """The schedules that have a due tick, and the manifests that a worker must be able to read for them."""
    due = select(ticks.c.schedule_id).where(ticks.c.state == TickState.DUE.value, ticks.c.due_at <= tx.now)
    query = select(schedules.c.id, schedules.c.manifest_path).where(schedules.c.id.in_(due))
    return {row.id: row.manifest_path for row in tx.conn.execute(query)}


def take(tx: Tx, worker: str, readable: Collection[int]) -> TickOrder | None:
    """The next tick of these schedules, leased to the worker; None when there is none.

    What overlaps, is too old or was overtaken is decided on the way, under the lock of its schedule, so that
    at most one tick of a schedule is at work.
    """
    for schedule in rows.locked(tx, schedules.c.id.in_(list(readable))):
        found = {tick.id: tick for tick in open_ticks(tx, [schedule.id])}
        for admission in admissions([tick.open for tick in found.values()], tx.now, schedule.words):
            tick = found[admission.tick.id]
            if admission.event is TickEvent.TAKEN:
                return _taken(tx, tick, schedule, worker=worker)
            _decided(tx, tick, admission, others=found.values())
    return None


def prolong(tx: Tx, order: TickOrder) -> bool:
    """Keep the lease; False when it was lost."""
    this = (ticks.c.id == order.tick.id) & (ticks.c.worker == order.tick.worker)
    this &= ticks.c.state == TickState.EXPANDING.value
    changed = tx.conn.execute(update(ticks).where(this).values(lease_expires_at=tx.now + LEASE_MS))
    return bool(changed.rowcount)


def end_leases_of_workers(tx: Tx, worker_ids: Collection[str]) -> None:
    """Workers that are known to be gone expand nothing any more: the next one need not wait for their leases.
    One that is alive after all finds that it is late, and a run is made once under its key.
    """
    this = (ticks.c.state == TickState.EXPANDING.value) & ticks.c.worker.in_(list(worker_ids))
    tx.conn.execute(update(ticks).where(this).values(lease_expires_at=tx.now))


def has_lost(tx: Tx) -> bool:
    """Whether some tick's worker is gone."""
    return bool(tx.conn.execute(select(exists().where(_lost(tx)))).scalar())


def expire(tx: Tx) -> int:
    """Let ticks whose worker is gone be taken again. Their runs have the same keys, so what was recorded is
    not recorded twice.
    """
    found = [tick for tick in open_ticks(tx) if tick.state is TickState.EXPANDING]
    gone = set(tx.conn.execute(select(ticks.c.id).where(_lost(tx))).scalars())
    number = 0
    for tick in found:
        if tick.id in gone and move(tx, tick, TickEvent.LEASE_LOST, worker=None, lease_expires_at=None):
            note(tx, "tick_retaken", f"{tick.words} is begun again: worker {tick.worker} fell silent")
            number += 1
    return number


def _lost(tx: Tx) -> ColumnElement[bool]:
    return (ticks.c.state == TickState.EXPANDING.value) & (ticks.c.lease_expires_at <= tx.now)


def applied(tx: Tx, order: TickOrder, run_id: int, *, message: str | None = None) -> bool:
    """Its jobs are recorded; False for a worker that lost its lease."""
    if not move(
        tx, order.tick, TickEvent.APPLIED, run_id=run_id, message=message, reason=None, lease_expires_at=None
    ):
        return False
    tx.conn.execute(update(runs).where(runs.c.id == run_id).values(tick_id=order.tick.id))
    note(tx, "tick_applied", f"{order.tick.words}: its jobs are recorded", run_id=run_id)
    return True


def skipped(tx: Tx, order: TickOrder, why: TickWhy) -> bool:
    """A rule of its manifest says that it is not made."""
    owes = owed(tx, order.schedule.words.ping, str(why.code))
    if not move(tx, order.tick, TickEvent.SKIPPED, **_over(tx, why), **owes):
        return False
    note(tx, "tick_skipped", f"{order.tick.words} is skipped: {why.message}")
    return True


def failed(tx: Tx, order: TickOrder, why: TickWhy) -> bool:
    """No run was made of it. It counts as a failure."""
    owes = owed(tx, order.schedule.words.ping, str(why.code))
    if not move(tx, order.tick, TickEvent.FAILED, **_over(tx, why), **owes):
        return False
    note(tx, "tick_failed", f"{order.tick.words} failed: {why.first}")
    count_failure(tx, rows.lock(tx, order.schedule.id), why.first)
    return True


def held(tx: Tx, order: TickOrder, why: TickWhy) -> bool:
    """A guard asks for a person before anything is recorded. It counts as a failure, also for a dead-man's
    switch: nothing is made until somebody comes.
    """
    if rows.lock(tx, order.schedule.id).removed_at is not None:  # nobody could let it go on
        return skipped(tx, order, TickWhy("removed", "its schedule was removed", code=0))
    columns = {"reason": why.reason, "message": why.message, "worker": None, "lease_expires_at": None}
    owes = owed(tx, order.schedule.words.ping, str(why.code))
    if not move(tx, order.tick, TickEvent.HELD, **columns, **owes):
        return False
    note(
        tx,
        "tick_waiting",
        f"{order.tick.words} waits for a person: {why.first} To let it go on: orchestrator schedule approve "
        f"{order.schedule.name}",
    )
    count_failure(tx, rows.lock(tx, order.schedule.id), why.first)
    return True


def _over(tx: Tx, why: TickWhy) -> dict[str, Any]:
    return {
        "reason": why.reason,
        "message": why.message,
        "code": why.code,
        "finished_at": tx.now,
        "lease_expires_at": None,
    }


def _taken(tx: Tx, tick: Tick, schedule: Schedule, *, worker: str) -> TickOrder:
    columns = {"worker": worker, "lease_expires_at": tx.now + LEASE_MS, "taken_at": tx.now, "reason": None}
    assert move(tx, tick, TickEvent.TAKEN, **columns, **owed(tx, schedule.words.ping, START))
    return TickOrder(by_id(tx, tick.id), schedule)


def _decided(tx: Tx, tick: Tick, admission: Admission, *, others: Collection[Tick]) -> None:
    if admission.event is None:
        if tick.reason != QUEUED:
            mark(tx, tick.id, reason=QUEUED)
        return
    kind, message = _words(tick, admission, others)
    if move(tx, tick, admission.event, reason=admission.reason, message=message, finished_at=tx.now):
        note(tx, kind, f"{tick.words}: {message}")


def _words(tick: Tick, admission: Admission, others: Collection[Tick]) -> tuple[str, str]:
    match admission.event:
        case TickEvent.SKIPPED:
            busy = next((one for one in others if one.open.state in _BUSY), tick)
            return "tick_skipped", f"it is skipped, because the tick of {busy.local} is still at work"
        case TickEvent.REPLACED:
            return "tick_superseded", "a later tick takes its place"
        case _:
            late = (
                "no worker took it in time"
                if admission.reason == "too_old"
                else "no worker took it before the next"
            )
            return "ticks_missed", f"it is missed: {late}"


_BUSY: Final[Any] = (TickState.EXPANDING, TickState.APPLIED, TickState.WORKING)
