"""Further tries of pictures that fail the checks of their manifest, within what it allows for that.

Such a try waits like any other: it spends nothing by itself, and no cap gives way to it. `redo_failed` bounds
it further: so many tries of one picture, and so much money in one run, whoever asks at the same time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, case, func, select

from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict, VerdictSource
from orchestrator.store.account import rate_limits
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing import checks, redo_sources
from orchestrator.store.choosing.new_tries import WantedTry, add_tries
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import jobs, lanes, runs
from orchestrator.store.runs.runs import run_by_id


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """A job whose pictures have been looked at, and the worker that did."""

    job_id: int
    signed: Signature
    revisions: Mapping[str, int]  # of the models that are in use, by id


def redo_failed(tx: Tx, rows: Sequence[CheckedJob]) -> list[int | None]:
    """The new job for each that fails a check and may be made again; None where there is none."""
    rate_limits.lock(tx)  # before the lanes: see `deferred_writes.LockOrder`
    return [_redo(tx, row) for row in rows]


def _redo(tx: Tx, row: CheckedJob) -> int | None:
    source = redo_sources.sources(tx, [row.job_id], locked=True).get(row.job_id)
    if source is None or source.state is not JobState.SUCCEEDED or source.tries or source.has_lost_source:
        return None
    if source.verdict == JobVerdict.ACCEPTED or not checks.failed(tx, [row.job_id]):
        return None
    allowed = _allowed(tx, source.run_id)
    if allowed is None or _tries_before(tx, row.job_id) >= allowed["max"]:
        return None
    if _asked_for(tx, source.run_id) + source.lane_micros > allowed["budget"]:
        return None
    wanted = WantedTry(source, source.same_again(row.revisions), request="checks", by=VerdictSource.CHECK)
    (made,) = add_tries(tx, run_by_id(tx, source.run_id), [wanted], agreed={}, signed=row.signed)
    return made.job_id if made.created else None


def _allowed(tx: Tx, run_id: int) -> dict[str, Any] | None:
    """What the manifest allows; the run is locked, so that two workers do not count past each other."""
    settings = tx.conn.execute(dialect.lock_rows(tx.conn, _SETTINGS), {"run": run_id}).scalar_one()
    found: dict[str, Any] | None = (settings or {}).get("redo_failed")
    return found


def _tries_before(tx: Tx, job_id: int) -> int:
    """How many tries checks have asked for already that this job came of."""
    count, at = 0, job_id
    while (row := tx.conn.execute(_CAME_OF, {"job": at}).one()).redo_of is not None:
        count += row.redo_by == VerdictSource.CHECK.value
        at = row.redo_of
    return count


def _asked_for(tx: Tx, run_id: int) -> int:
    """What tries that checks asked for have cost in this run, and will at the prices of now, in micros."""
    return int(tx.conn.execute(_COST, {"run": run_id}).scalar_one())


_SETTINGS: Final = select(runs.c.settings).where(runs.c.id == bindparam("run"))
_CAME_OF: Final = select(jobs.c.redo_of, jobs.c.redo_by).where(jobs.c.id == bindparam("job"))
_OPEN: Final = jobs.c.state.in_([JobState.PENDING.value, JobState.RUNNING.value])
_COST: Final = (
    select(func.coalesce(func.sum(jobs.c.cost_micros + case((_OPEN, lanes.c.price_micros), else_=0)), 0))
    .join_from(jobs, lanes)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.redo_of.is_not(None),
        jobs.c.redo_by == VerdictSource.CHECK.value,
    )
)
