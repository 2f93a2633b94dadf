"""Change the order of waiting jobs while workers run: put ahead, held, released; a run before others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.actions.operator.change_jobs import CHUNK
from orchestrator.core.states import JobState
from orchestrator.store.account.acts import Change, Signature, change_of, record, record_all
from orchestrator.store.account.subjects import subject_of
from orchestrator.store.attempts.releases import release_claims
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs import order
from orchestrator.store.runs.order import Reordered
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.jobs import count_jobs
from orchestrator.store.views.jobs.walk import JobFilter, page_ids
from orchestrator.store.views.runs.named_runs import one_run, path_of

WITHOUT_A_REASON: Final = "held by an operator"
WAITING: Final = "waiting"


HOLD_SOON_MS: Final = 5_000
"""So long a job that was taken back for a hold is claimed by nobody: the hold is a transaction of its own."""


@dataclass(slots=True)
class Ordered:
    """What happened, or with a dry run what would happen."""

    matched: int = 0  # those that a filter names, or the ids
    changed: list[int] = field(default_factory=list)
    left: dict[int, str] = field(default_factory=dict)  # those that stay as they are, each with a word
    behind: list[str] = field(default_factory=list)  # runs of theirs that runs of a higher priority precede


def prioritise_jobs(database: Database, wanted: JobFilter, signed: Signature, *, dry_run: bool) -> Ordered:
    """Put waiting jobs ahead of everything in their campaigns; what is put ahead last comes first. The jobs
    that are not named keep their turns among themselves.
    """
    turns: list[int] = []

    def step(tx: Tx, ids: Sequence[int]) -> Reordered:
        if not turns:
            turns.append(order.next_turn(tx))
        return order.put_ahead(tx, ids, turns[0])

    done = _each(database=database, wanted=wanted, signed=signed, step=step, new="ahead", dry_run=dry_run)
    with database.read() as tx:
        done.behind = order.preceded(tx, done.changed)
    return done


def hold_jobs(database: Database, wanted: JobFilter, signed: Signature, *, dry_run: bool) -> Ordered:
    """Let no worker make these jobs until they are released. What a worker has claimed and not begun to send
    is taken from it; one that may have been sent is left.
    """
    said = signed.why or WITHOUT_A_REASON
    taken = [] if dry_run else _take_back(database, wanted)
    if taken and wanted.states and JobState.PENDING not in wanted.states:
        wanted = JobFilter(ids=tuple(taken))  # those that were running wait now

    def step(tx: Tx, ids: Sequence[int]) -> Reordered:
        return order.hold(tx, ids, said)

    return _each(database=database, wanted=wanted, signed=signed, step=step, new="held", dry_run=dry_run)


def release_jobs(database: Database, wanted: JobFilter, signed: Signature, *, dry_run: bool) -> Ordered:
    """Let held jobs run again, in the turns that they had."""
    return _each(
        database=database, wanted=wanted, signed=signed, step=order.release, new=WAITING, dry_run=dry_run
    )


def _take_back(database: Database, wanted: JobFilter) -> list[int]:
    """Claims that nothing was sent for are given back, and their jobs, which are returned, wait for a moment:
    the hold comes next.
    """
    with database.read() as tx:
        require_named(tx, wanted)
    running = JobState.RUNNING.value
    if not wanted.ids and wanted.states and running not in wanted.states:
        return []
    narrowed, after = replace(wanted, states=(running,)), 0
    taken: list[int] = []
    while True:
        database.require_in_place()
        with database.write() as tx:
            ids = page_ids(tx, narrowed, after_id=after, limit=CHUNK)
            taken += release_claims(tx, ids, delay_ms=HOLD_SOON_MS)
        if len(ids) < CHUNK:
            return taken
        after = ids[-1]


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What `prioritise_run` did."""

    run_id: int
    run: str  # campaign/name/run
    old: int
    new: int


def prioritise_run(
    *, database: Database, run: str, priority: int | None, signed: Signature, reset: bool = False
) -> RunOrder:
    """Give a run a priority before its manifest's word: the one that is given, else one above all other runs
    that have work; with `reset` its manifest's counts again.
    """
    with database.write() as tx:
        found = one_run(tx, run)
        old = order.priority_of(tx, found.id)
        if not reset and priority is None:
            highest = order.highest_priority(tx, found.id)
            priority = old if highest is None or highest < old else highest + 1
        order.prioritise_run(tx, found.id, None if reset else priority)
        new = order.priority_of(tx, found.id)
        if new != old:
            subject = subject_of(tx, "run", str(found.id))
            record(tx, signed, change_of(subject, f"priority {old}", f"priority {new}"))
    return RunOrder(found.id, path_of(found), old=old, new=new)


def _each(
    *,
    database: Database,
    wanted: JobFilter,
    signed: Signature,
    step: Callable[[Tx, Sequence[int]], Reordered],
    new: str,
    dry_run: bool,
) -> Ordered:
    """A chunk at a time. A filter means those of its jobs that wait; an id means the job, whatever it
    does.
    """
    with database.read() as tx:
        require_named(tx, wanted)
        if not wanted.ids:
            waits = not wanted.states or JobState.PENDING in wanted.states
            held = order.HELD if new == WAITING else None
            wanted = replace(wanted, states=(JobState.PENDING.value,), reason=wanted.reason or held)
        matched = count_jobs(tx, wanted)[0] if wanted.ids or waits else 0
    old = order.HELD if new == WAITING else WAITING
    done = Ordered(matched)
    after = 0
    while matched and not dry_run:
        database.require_in_place()
        with database.write() as tx:
            ids = page_ids(tx, wanted, after_id=after, limit=CHUNK)
            moved = step(tx, ids)
            changes = [Change(f"job {job_id}", old, new, job_id=job_id) for job_id in moved.changed]
            record_all(tx, signed, changes)
        done.changed += moved.changed
        done.left.update(moved.left if wanted.ids else {})
        if len(ids) < CHUNK:
            break
        after = ids[-1]
    return done
