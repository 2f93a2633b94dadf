"""Retry or cancel jobs, by id or by filter, a chunk at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.core.errors import NotFoundError
from orchestrator.core.nights import Leftovers, NightRule
from orchestrator.core.states import JOB_TRANSITIONS, JobEvent, JobState, sources
from orchestrator.store.account import workers
from orchestrator.store.account.acts import Change, Signature, record_all
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs import jobs
from orchestrator.store.runs.earlier import look_back, waiting_in
from orchestrator.store.runs.runs import Run
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.jobs import count_jobs
from orchestrator.store.views.jobs.walk import JobFilter, page_ids

CHUNK = 500
UNPAID_CANCEL = "cancelled, unless its attempt brings pictures"


@dataclass(slots=True)
class Changed:
    """What happened, or with a dry run what would happen."""

    matched: int = 0
    cost_micros: int = 0  # one attempt at each of the matched jobs
    moved: list[int] = field(default_factory=list)
    after_attempt: list[int] = field(default_factory=list)  # cancelled once their paid attempt has ended
    left: dict[int, JobState] = field(default_factory=dict)  # those asked for by id that stayed as they are
    so_already: frozenset[JobState] = frozenset()  # states of a job for which nothing need be done

    @property
    def refused(self) -> bool:
        """Whether a job that was asked for by id cannot be changed so."""
        return any(state not in self.so_already for state in self.left.values())


def retryable(wanted: JobFilter) -> JobFilter:
    """The filter, narrowed to states a retry is legal from: failed unless asked otherwise."""
    legal = sources(JOB_TRANSITIONS, JobEvent.RETRIED)
    default = legal if wanted.ids else {JobState.FAILED}
    return _narrowed(wanted, legal, default)


def cancellable(wanted: JobFilter) -> JobFilter:
    """The filter, narrowed to states a cancel is legal from: waiting and running."""
    legal = sources(JOB_TRANSITIONS, JobEvent.CANCELLED)
    return _narrowed(wanted, legal, legal)


def retry_jobs(database: Database, wanted: JobFilter, signed: Signature, *, dry_run: bool = False) -> Changed:
    """Put failed or cancelled jobs back in the queue with fresh tries."""

    def step(tx: Tx, ids: Sequence[int], changed: Changed) -> None:
        found = jobs.states_of(tx, ids)
        moved = jobs.retry(tx, ids)
        record_all(tx, signed, [_change_of(job_id, found[job_id], "waiting again") for job_id in moved])
        changed.moved += moved

    changed = Changed(so_already=frozenset({JobState.PENDING, JobState.RUNNING}))
    return _change(database, wanted, retryable(wanted), step=None if dry_run else step, changed=changed)


def cancel_jobs(
    database: Database, wanted: JobFilter, signed: Signature, *, dry_run: bool = False
) -> Changed:
    """Take jobs out of the queue; one that may be paid already ends with its attempt."""

    def step(tx: Tx, ids: Sequence[int], changed: Changed) -> None:
        cancelled = jobs.cancel(tx, ids)
        _record_cancelled(tx, cancelled, signed)
        changed.moved += cancelled.now
        changed.after_attempt += cancelled.after_attempt

    changed = Changed(so_already=frozenset({JobState.CANCELLED}))
    return _change(database, wanted, cancellable(wanted), step=None if dry_run else step, changed=changed)


def drop_waiting(database: Database, ids: Sequence[int], signed: Signature) -> int:
    """Cancel those of the jobs that still wait, and touch no other; returns how many."""
    dropped = 0
    for start in range(0, len(ids), CHUNK):
        database.require_in_place()
        with database.write() as tx:
            now = jobs.cancel_waiting(tx, ids[start : start + CHUNK], jobs.PRUNED)
            _record_cancelled(tx, jobs.Cancelled(now, []), signed)
            beside = workers.any_alive(tx)
        dropped += len(now)
        if beside:
            database.give_way()
    return dropped


def supersede(database: Database, run: Run, rule: NightRule) -> int:
    """Cancel what earlier runs of the same manifest still wait for, where the rule of the later `run` says
    so: it has asked for all that it wants. Returns how many.
    """
    if rule.leftovers is not Leftovers.CANCEL:
        return 0
    with database.read() as tx:
        earlier = look_back(tx, rule, campaign=run.campaign, name=run.name, mine=run.id)
        opened = earlier.open_ids if earlier else ()
        ids = waiting_in(tx, [run_id for run_id in opened if run_id < run.id])
    dropped = 0
    for start in range(0, len(ids), CHUNK):
        database.require_in_place()
        with database.write() as tx:
            dropped += len(jobs.cancel_waiting(tx, ids[start : start + CHUNK], jobs.SUPERSEDED))
            beside = workers.any_alive(tx)
        if beside:
            database.give_way()
    return dropped


def _record_cancelled(tx: Tx, cancelled: jobs.Cancelled, signed: Signature) -> None:
    now = [_change_of(job_id, "waiting", "cancelled") for job_id in cancelled.now]
    later = [_change_of(job_id, "running", UNPAID_CANCEL) for job_id in cancelled.after_attempt]
    record_all(tx, signed, [*now, *later])


def _change_of(job_id: int, old: str, new: str) -> Change:
    return Change(f"job {job_id}", old, new, job_id=job_id)


def _change(
    database: Database,
    wanted: JobFilter,
    narrowed: JobFilter,
    *,
    step: Callable[[Tx, Sequence[int], Changed], None] | None,
    changed: Changed,
) -> Changed:
    """Take the step, chunk by chunk; without one only say what it would be about."""
    with database.read() as tx:
        _refuse_unknown(tx, wanted.ids)
        require_named(tx, wanted)
        if narrowed.states:
            changed.matched, changed.cost_micros = count_jobs(tx, narrowed)
        if step is None:
            now = jobs.states_of(tx, wanted.ids).items()
            changed.left = {job: JobState(state) for job, state in now if state not in narrowed.states}
            return changed
    after = 0
    while narrowed.states:
        database.require_in_place()
        with database.write() as tx:
            ids = page_ids(tx, narrowed, after_id=after, limit=CHUNK)
            if ids:
                step(tx, ids, changed)
        if len(ids) < CHUNK:
            break
        after = ids[-1]
    untouched = set(wanted.ids) - {*changed.moved, *changed.after_attempt}
    if untouched:
        with database.read() as tx:
            found = jobs.states_of(tx, sorted(untouched))
        changed.left = {job_id: JobState(state) for job_id, state in found.items()}
    return changed


def _refuse_unknown(tx: Tx, ids: Sequence[int]) -> None:
    unknown = [job_id for job_id in ids if not page_ids(tx, JobFilter(ids=(job_id,)), limit=1)]
    if unknown:
        listed = ", ".join(str(job_id) for job_id in unknown[:10])
        raise NotFoundError(
            f"There is no job {listed}. List jobs with: orchestrator jobs list. Nothing was changed."
        )


def _narrowed(
    wanted: JobFilter, legal: frozenset[JobState], default: set[JobState] | frozenset[JobState]
) -> JobFilter:
    states = {state for state in wanted.states if state in legal} if wanted.states else default
    return replace(wanted, states=tuple(sorted(states)))
