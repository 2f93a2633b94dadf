"""What stands above the pictures of a run: counted so far as costs nothing, however many jobs there are."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.states import JobState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, balances, campaigns, jobs, runs

COUNTED_MAX: Final = 20_000
"""Jobs of one state or verdict are counted up to here; above it there are "more than" so many."""

RUNS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class HeadRow:
    """One run; money in micros."""

    id: int
    campaign: str
    name: str
    run: str
    pictures: int
    spent_micros: int
    gated: bool = False  # only its canary is made until somebody approves it


@dataclass(frozen=True, slots=True)
class HeadCounts:
    """Jobs of a run; each number is right up to `COUNTED_MAX`."""

    made: int
    coming: int
    failed: int
    accepted: int
    rejected: int
    reused: int = 0


def newest_runs(tx: Tx) -> list[HeadRow]:
    """The newest first."""
    return [_head(row) for row in tx.conn.execute(_HEADS.order_by(runs.c.id.desc()).limit(RUNS_MAX))]


def run_head(tx: Tx, run_id: int) -> HeadRow | None:
    """One run; None where there is none."""
    row = tx.conn.execute(_HEADS.where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _head(row)


def head_counts(tx: Tx, run_id: int) -> HeadCounts:
    """How far a run and its review are."""

    def in_state(*states: JobState) -> int:
        return sum(
            int(tx.conn.execute(_IN_STATE, {"run": run_id, "state": each.value}).scalar_one())
            for each in states
        )

    def with_verdict(verdict: str) -> int:
        return int(tx.conn.execute(_WITH_VERDICT, {"run": run_id, "verdict": verdict}).scalar_one())

    return HeadCounts(
        made=in_state(JobState.SUCCEEDED),
        coming=in_state(JobState.PENDING, JobState.RUNNING),
        failed=in_state(JobState.FAILED),
        accepted=with_verdict("accepted"),
        rejected=with_verdict("rejected"),
        reused=in_state(JobState.REUSED),
    )


def _head(row: Any) -> HeadRow:
    return HeadRow(
        id=row.id,
        campaign=row.campaign,
        name=row.name,
        run=row.run_key,
        pictures=row.pictures_stored,
        spent_micros=row.spent_micros or 0,
        gated=row.gate_closed_at is not None,
    )


_HEADS: Final = (
    select(
        runs.c.id,
        runs.c.name,
        runs.c.run_key,
        runs.c.pictures_stored,
        runs.c.gate_closed_at,
        campaigns.c.name.label("campaign"),
        balances.c.spent_micros,
    )
    .join_from(runs, campaigns, campaigns.c.id == runs.c.campaign_id)
    .join(
        balances,
        (balances.c.scope == Scope.RUN.value)
        & (balances.c.scope_id == runs.c.id)
        & (balances.c.period == "total"),
        isouter=True,
    )
)
_OF_RUN: Final = select(jobs.c.id).where(jobs.c.run_id == bindparam("run"))
_IN_STATE: Final = select(func.count()).select_from(
    _OF_RUN.where(jobs.c.state == bindparam("state")).limit(COUNTED_MAX + 1).subquery()
)
_WITH_VERDICT: Final = select(func.count()).select_from(
    _OF_RUN.where(jobs.c.verdict == bindparam("verdict"), jobs.c.verdict.is_not(None))
    .limit(COUNTED_MAX + 1)
    .subquery()
)
