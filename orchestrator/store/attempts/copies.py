"""Copies that were asked for after their job's pictures were stored, or that a worker left behind.

What an attempt knows of when its task completes, it makes before it ends; the rest is found here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select, update

from orchestrator.core.paths import COPY_FIRST, EARLIER_INDEX
from orchestrator.core.states import JobState
from orchestrator.ports import DiscardedArtifact, StoredArtifact
from orchestrator.store.attempts.outputs import STORE_OUTPUT, artifact_values
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import COPY_IS_PLANNED, OutputState, jobs, outputs

MISSING_MAX: Final = 200
"""How many are looked for at once."""


@dataclass(frozen=True, slots=True)
class MissingCopy:
    """A copy that is to be made of what its job has stored; of nothing, when the picture never came."""

    job_id: int
    index: int
    path: str
    of: StoredArtifact | DiscardedArtifact | None


@dataclass(frozen=True, slots=True)
class CopyMade:
    """A copy that is there, or that there is nothing to make of."""

    job_id: int
    index: int
    artifact: StoredArtifact | DiscardedArtifact | None


def copies_made(tx: Tx, run_ids: Collection[int]) -> int:
    """How many copies of these runs are stored."""
    query = (
        select(func.count())
        .select_from(outputs.join(jobs, jobs.c.id == outputs.c.job_id))
        .where(jobs.c.run_id.in_(run_ids), outputs.c.idx >= COPY_FIRST)
        .where(outputs.c.state == OutputState.STORED)
    )
    return int(tx.conn.execute(query).scalar_one())


def missing(
    tx: Tx, run_ids: Collection[int] | None, passed_over: Collection[tuple[int, int]]
) -> list[MissingCopy]:
    """The first copies that jobs which succeeded do not have, but for those that are passed over."""
    most = MISSING_MAX + len(passed_over)
    if run_ids is None:
        rows = tx.conn.execute(_MISSING, {"most": most})
    else:
        rows = tx.conn.execute(_MISSING_OF_RUNS, {"most": most, "run_ids": sorted(run_ids)})
    return [
        MissingCopy(row.job_id, row.idx, row.path, of=_artifact(row))
        for row in rows
        if (row.job_id, row.idx) not in passed_over
    ]


def record(tx: Tx, rows: Sequence[CopyMade]) -> list[None]:
    """Copies are stored, or will never be; one that somebody else has recorded stays."""
    for row in rows:
        if row.artifact is None:
            key = (outputs.c.job_id == row.job_id) & (outputs.c.idx == row.index)
            planned = outputs.c.state == OutputState.PLANNED.value
            tx.conn.execute(update(outputs).where(key, planned).values(state=OutputState.ABSENT.value))
    made = [
        artifact_values(tx=tx, job_id=row.job_id, index=row.index, artifact=row.artifact)
        for row in rows
        if row.artifact is not None
    ]
    if made:
        planned_only = STORE_OUTPUT.where(outputs.c.state == OutputState.PLANNED.value)
        tx.conn.execute(planned_only, made)
    return [None] * len(rows)


def _artifact(row: Any) -> StoredArtifact | DiscardedArtifact | None:
    facts = {
        "sha256": row.sha256,
        "bytes": row.bytes,
        "media_type": row.media_type,
        "width": row.width,
        "height": row.height,
    }
    if row.state == OutputState.STORED:
        return StoredArtifact(path=row.stored_path, **facts)
    return DiscardedArtifact(**facts) if row.state == OutputState.DISCARDED else None


_OWN: Final = outputs.alias("own")
_MISSING: Final = (
    select(
        outputs.c.job_id,
        outputs.c.idx,
        outputs.c.path,
        _OWN.c.state,
        _OWN.c.stored_path,
        _OWN.c.sha256,
        _OWN.c.bytes,
        _OWN.c.media_type,
        _OWN.c.width,
        _OWN.c.height,
    )
    .select_from(outputs)
    .join(jobs, and_(jobs.c.id == outputs.c.job_id, jobs.c.state == JobState.SUCCEEDED.value))
    .outerjoin(
        _OWN,
        and_(
            _OWN.c.job_id == outputs.c.job_id,
            _OWN.c.idx == outputs.c.idx % EARLIER_INDEX,
        ),
    )
    .where(COPY_IS_PLANNED)
    .order_by(outputs.c.job_id, outputs.c.idx)
    .limit(bindparam("most"))
)
_MISSING_OF_RUNS: Final = _MISSING.where(jobs.c.run_id.in_(bindparam("run_ids", expanding=True)))
