"""How ticks begin to work, and end: by what became of their runs."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import exists, func, select

from orchestrator.core.budget import day_of
from orchestrator.core.states import JobState, TickEvent, TickState
from orchestrator.core.tick_decisions import TickEnd, TickWork, end_of
from orchestrator.store.account.pauses import FINISH_BY
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, jobs
from orchestrator.store.runs import blocked
from orchestrator.store.schedules import schedules as rows
from orchestrator.store.schedules.pings import owed
from orchestrator.store.schedules.schedules import count_failure, count_success, note
from orchestrator.store.schedules.ticks import Tick, by_id, mark, move, open_ticks
from orchestrator.store.stops.outlook import outlook


@dataclass(frozen=True, slots=True)
class TickChange:
    """What is to be written about one tick."""

    tick: Tick
    begun: bool
    end: TickEnd | None
    stuck: bool | None  # None: as it was noted
    counts: Counter[str]


def changes(tx: Tx, timezone: str) -> list[TickChange]:
    """Which ticks have begun or ended since somebody looked. Writes nothing.

    A run is counted only when nothing of it goes on by itself: before, its lanes say enough.
    """
    found = []
    for tick in open_ticks(tx):
        if tick.state not in {TickState.APPLIED, TickState.WORKING} or tick.run_id is None:
            continue
        work, counts = _work(tx, tick, timezone)
        end = end_of(work)
        begun = tick.state is TickState.APPLIED and _has_begun(tx, tick.run_id)
        stuck = None if work.moving == (tick.stuck_since is None) else not work.moving
        if end or begun or stuck is not None:
            found.append(TickChange(tick, begun, end=end, stuck=stuck, counts=counts))
    return found


def settle(tx: Tx, found: Collection[TickChange]) -> int:
    """Write the changes; returns how many ticks have ended. Another worker may have been quicker."""
    ended = 0
    for change in found:
        tick = change.tick
        if change.begun and move(tx, tick, TickEvent.BEGUN):
            tick = by_id(tx, tick.id)
        if change.stuck is not None:
            mark(tx, tick.id, stuck_since=tx.now if change.stuck else None)
        if change.end is not None:
            ended += _end(tx, tick, change.end, counts=change.counts)
    return ended


def _end(tx: Tx, tick: Tick, end: TickEnd, *, counts: Counter[str]) -> bool:
    schedule = rows.lock(tx, tick.schedule_id)
    message = _words(end, counts)
    columns = {"reason": end.reason, "message": message, "code": end.code, "finished_at": tx.now}
    if not move(tx, tick, end.event, **columns, **owed(tx, schedule.words.ping, str(end.code))):
        return False
    kind = "tick_failed" if end.event is TickEvent.FAILED else "tick_done"
    note(tx, kind, f"{tick.words}: {message}", run_id=tick.run_id)
    if end.counts:
        count_failure(tx, schedule, message)
    elif end.code != _BUDGET:  # a cap says nothing of the health of a schedule
        count_success(tx, schedule)
    return True


def _work(tx: Tx, tick: Tick, timezone: str) -> tuple[TickWork, Counter[str]]:
    run_id = tick.run_id
    assert run_id is not None
    seen = outlook(tx, timezone, [run_id])
    stuck_ms = tx.now - tick.stuck_since if tick.stuck_since is not None else 0
    if not seen.finished:
        work = TickWork(
            moving=True, waiting=0, failed=0, succeeded=0, in_doubt=0, capped=False, stuck_ms=stuck_ms
        )
        return work, Counter()
    counts = _counts(tx, run_id)
    lanes = pending_lanes(tx, day_of(tx.now, timezone), [run_id])
    work = TickWork(
        moving=False,
        waiting=counts[JobState.PENDING],
        failed=counts[JobState.FAILED],
        succeeded=counts[JobState.SUCCEEDED] + counts[JobState.REUSED],
        in_doubt=seen.in_doubt,
        capped=bool(lanes) and all(map(_is_over, lanes)),
        over_time=any(pause.reason == FINISH_BY for lane in lanes for pause in lane.pauses),
        stuck_ms=stuck_ms,
    )
    return work, counts


def _is_over(lane: Lane) -> bool:
    """Whether money or time is used up, and no person is needed."""
    if any(pause.until is None and pause.reason != FINISH_BY for pause in lane.pauses):
        return False
    return bool(lane.pauses or lane.blockers())


def _counts(tx: Tx, run_id: int) -> Counter[str]:
    query = select(jobs.c.state, func.count()).where(jobs.c.run_id == run_id).group_by(jobs.c.state)
    found: Counter[str] = Counter()
    for state, number in tx.conn.execute(query):
        found[JobState(state)] = number
    if (without := blocked.of_runs(tx, [run_id]).get(run_id)) is not None:
        # They wait for verdicts, which may be given in days: the night is over without them.
        found[JobState.PENDING] -= without.word + without.none
        found[_UNJUDGED], found[_WITHOUT] = without.word, without.none
    return found


def _has_begun(tx: Tx, run_id: int) -> bool:
    return bool(tx.conn.execute(select(exists().where(attempts.c.run_id == run_id))).scalar())


def _words(end: TickEnd, counts: Counter[str]) -> str:
    parts = [
        f"{counts[state]:,} {word}"
        for state, word in (
            (JobState.SUCCEEDED, "done"),
            (JobState.REUSED, "reused"),
            (JobState.FAILED, "failed"),
            (JobState.PENDING, "waiting"),
            (JobState.CANCELLED, "cancelled"),
            (_UNJUDGED, "wait for accepted pictures (orchestrator review)"),
            (_WITHOUT, "without the picture that they take"),
        )
        if counts[state]
    ]
    made = ", ".join(parts) or "nothing to do"
    return {
        "cap": f"{made}: the money of a cap is used up",
        "finish_by": f"{made}: its time is over",
        "stopped": f"{made}: it is stopped until a person acts (orchestrator status)",
        "in_doubt": f"{made}: a lost reply waits for a person (orchestrator in-doubt list)",
        "nothing_stored": f"{made}: nothing was stored",
    }.get(end.reason or "", made)


_BUDGET = 4
_UNJUDGED, _WITHOUT = "unjudged", "without"
