"""The gates of runs: while one is closed, only jobs of its canary are claimed.

A gate is closed in a transaction that has locked the account's row, as every claim does, and before the jobs
that it keeps back are there: no claim reads it open and takes what it is to keep. Jobs are written before
their run, as everywhere (see `deferred_writes.LockOrder`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, case, func, select, update

from orchestrator.core.gates import CanaryFigures, CanaryRules, canary_rules
from orchestrator.core.paths import EARLIER_INDEX
from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.account import pauses, rate_limits
from orchestrator.store.account.subjects import subject_of
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    JOB_IS_CANARY,
    RUN_IS_GATED,
    OutputState,
    Queue,
    check_results,
    events,
    jobs,
    outputs,
    runs,
)

CANARY: Final = "canary"
"""The reason of the pause of a run whose canary waits for approval."""

APPROVED: Final = "approved"
"""The event that says so."""


@dataclass(frozen=True, slots=True)
class GateState:
    """How a run stands."""

    closed: bool
    approved_at: int | None
    rules: CanaryRules | None  # of the manifest as it was applied last


def state_of(tx: Tx, run_id: int) -> GateState:
    """How this run stands."""
    row = tx.conn.execute(_STATE, {"run": run_id}).one()
    return GateState(row.gate_closed_at is not None, row.approved_at, canary_rules(row.settings))


def canary_keys(tx: Tx, run_id: int) -> set[str]:
    """The keys of the jobs of its canary."""
    return set(tx.conn.execute(_KEYS, {"run": run_id}).scalars())


def close_anew(tx: Tx, run_id: int, rules: CanaryRules, *, keys: Collection[str], fresh: int) -> bool:
    """Close the gate of a run that has jobs, with those of the keys that wait in its canary. `fresh` jobs are
    about to be added. False where it stays open.

    An approval stands for what was looked at: more new jobs than a canary has are looked at first, fewer are
    not worth a stop.
    """
    rate_limits.lock(tx)
    before = state_of(tx, run_id)
    if before.approved_at is not None:
        if fresh <= rules.jobs:
            return False
        tx.conn.execute(_CLEAR, {"run": run_id})
    mark(tx, run_id, keys)
    return bool(tx.conn.execute(_CLOSE, {"run": run_id, "now": tx.now}).rowcount)


def close_new(tx: Tx, run_id: int) -> None:
    """Close the gate of a run that was made in this transaction."""
    tx.conn.execute(_CLOSE, {"run": run_id, "now": tx.now})


def mark(tx: Tx, run_id: int, keys: Collection[str]) -> None:
    """Make the jobs with these keys that wait a part of the canary."""
    for chunk in bulk.chunks(list(keys)):
        tx.conn.execute(_MARK, {"run": run_id, "keys": chunk})


def open_gate(tx: Tx, run_id: int, words: str) -> bool:
    """Let all jobs of a run be claimed. False where it is open: somebody was quicker."""
    if not tx.conn.execute(_OPEN, {"run": run_id, "now": tx.now}).rowcount:
        return False
    pauses.end(tx=tx, scope="run", name=str(run_id), reason=CANARY)
    subject = subject_of(tx, "run", str(run_id))
    ids = {"run_id": run_id, "campaign_id": subject.campaign_id}
    row = {"at": tx.now, "kind": APPROVED, "message": f"{subject.words}: {words}", **ids}
    tx.conn.execute(events.insert(), [row])
    return True


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A run whose gate is closed, with what has become of its canary."""

    run_id: int
    rules: CanaryRules | None
    figures: CanaryFigures


def any_closed(tx: Tx) -> bool:
    """Whether the gate of some run is closed; one look at an index that is nearly always empty."""
    return tx.conn.execute(_ANY).first() is not None


def closed_gates(tx: Tx, *, lock: bool = False) -> list[ClosedGate]:
    """Every run whose gate is closed; with `lock` none is opened meanwhile by anybody else."""
    query = dialect.lock_rows(tx.conn, _GATED) if lock else _GATED
    return [_closed(tx, row) for row in tx.conn.execute(query).all()]


def behind(tx: Tx, run_ids: Collection[int]) -> dict[int, set[int]]:
    """Of each of these gated runs whose canary is unfinished, the lanes in which canary jobs wait that may
    run: until they are over, no other lane of it moves.
    """
    found: dict[int, set[int]] = {}
    for chunk in bulk.chunks(sorted(run_ids)):
        for row in tx.conn.execute(_UNFINISHED, {"runs": chunk}):
            lanes = found.setdefault(row.run_id, set())
            if row.state == JobState.PENDING.value:
                lanes.add(row.lane_id)
    return found


def figures_of(tx: Tx, run_id: int, *, checked: bool) -> CanaryFigures:
    """What has become of the canary of a run; `checked`: its manifest has checks."""
    counts = tx.conn.execute(_COUNTS, {"run": run_id}).one()
    seen = tx.conn.execute(_PICTURES, {"run": run_id}).one()
    return CanaryFigures(
        unfinished=int(counts.unfinished or 0),
        succeeded=int(counts.succeeded or 0),
        failed=int(counts.failed or 0),
        accepted=int(counts.accepted or 0),
        pictures=seen.pictures,
        flagged=int(seen.flagged or 0),
        unfit=int(tx.conn.execute(_UNFIT, {"run": run_id}).scalar_one()) if checked else 0,
        unchecked=int(seen.unchecked or 0) if checked else 0,
        rest=tx.conn.execute(_REST, {"run": run_id}).first() is not None,
    )


def _closed(tx: Tx, row: Any) -> ClosedGate:
    settings = row.settings or {}
    figures = figures_of(tx, row.id, checked=bool(settings.get("checks")))
    return ClosedGate(row.id, canary_rules(settings), figures)


_STATE: Final = select(runs.c.gate_closed_at, runs.c.approved_at, runs.c.settings).where(
    runs.c.id == bindparam("run")
)
_GATED: Final = select(runs.c.id, runs.c.settings).where(RUN_IS_GATED).order_by(runs.c.id)
_ANY: Final = select(runs.c.id).where(RUN_IS_GATED).limit(1)
_OF_CANARY: Final = (jobs.c.run_id == bindparam("run"), JOB_IS_CANARY)
_KEYS: Final = select(jobs.c.key).where(*_OF_CANARY)
_CLEAR: Final = update(jobs).where(*_OF_CANARY).values(canary=False)
_MARK: Final = (
    update(jobs)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.key.in_(bindparam("keys", expanding=True)),
        jobs.c.state == JobState.PENDING.value,
    )
    .values(canary=True)
)
_CLOSE: Final = (
    update(runs)
    .where(runs.c.id == bindparam("run"))
    .values(gate_closed_at=func.coalesce(runs.c.gate_closed_at, bindparam("now")), approved_at=None)
)
_OPEN: Final = (
    update(runs)
    .where(runs.c.id == bindparam("run"), RUN_IS_GATED)
    .values(gate_closed_at=None, approved_at=bindparam("now"))
)
_MAY_RUN: Final = (jobs.c.state == JobState.RUNNING.value) | (
    (jobs.c.state == JobState.PENDING.value)
    & ((jobs.c.queue == Queue.READY.value) | jobs.c.due_at.is_not(None))
)


def _number(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


_COUNTS: Final = select(
    _number(_MAY_RUN).label("unfinished"),
    _number(jobs.c.state == JobState.SUCCEEDED.value).label("succeeded"),
    _number(jobs.c.state == JobState.FAILED.value).label("failed"),
    _number(jobs.c.verdict == JobVerdict.ACCEPTED.value).label("accepted"),
).where(*_OF_CANARY)
_PICTURE: Final = (
    outputs.c.idx < EARLIER_INDEX,
    outputs.c.state.in_([OutputState.STORED.value, OutputState.DISCARDED.value]),
)
_LOOKED_AT: Final = (
    select(check_results.c.job_id)
    .where(
        check_results.c.job_id == outputs.c.job_id,
        check_results.c.idx == outputs.c.idx,
        check_results.c.sha256 == outputs.c.sha256,
    )
    .correlate(outputs)
    .exists()
)
_PICTURES: Final = (
    select(
        func.count().label("pictures"),
        _number(outputs.c.nsfw).label("flagged"),
        _number(
            (jobs.c.state == JobState.SUCCEEDED.value)
            & (outputs.c.state == OutputState.STORED.value)
            & ~_LOOKED_AT
        ).label("unchecked"),
    )
    .join_from(jobs, outputs)
    .where(*_OF_CANARY, *_PICTURE)
)
_UNFIT: Final = (
    select(func.count(jobs.c.id.distinct()))
    .join_from(jobs, check_results, check_results.c.job_id == jobs.c.id)
    .where(*_OF_CANARY, check_results.c.passed.is_(False), jobs.c.state == JobState.SUCCEEDED.value)
)
_REST: Final = (
    select(jobs.c.id)
    .where(
        jobs.c.run_id == bindparam("run"), jobs.c.state == JobState.PENDING.value, jobs.c.canary.is_(False)
    )
    .limit(1)
)
_UNFINISHED: Final = (
    select(jobs.c.run_id, jobs.c.lane_id, jobs.c.state)
    .where(jobs.c.run_id.in_(bindparam("runs", expanding=True)), JOB_IS_CANARY, _MAY_RUN)
    .distinct()
)
