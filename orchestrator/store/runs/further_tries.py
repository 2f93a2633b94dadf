"""Further tries that people asked for (`redo`): they have keys of their own, and count for the job that they
are a try of.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select

from orchestrator.core.nights import GoodPicture
from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_IS_REDO, job_specs, jobs

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


@dataclass(slots=True)
class FurtherTries:
    """What further tries say, by the key of the job that they are tries of."""

    made: dict[str, list[GoodPicture]] = field(default_factory=lambda: defaultdict(list))
    open: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)


def further_tries(tx: Tx, run_ids: Sequence[int]) -> FurtherTries:
    """Those in these runs, read once."""
    rows = {
        row.id: row for chunk in chunks(run_ids) for row in tx.conn.execute(_REDONE, {"runs": list(chunk)})
    }
    firsts = {job_id: _first(job_id, rows) for job_id in rows}
    keys = {
        row.id: row.key
        for chunk in chunks(sorted(set(firsts.values())))
        for row in tx.conn.execute(_KEYS, {"ids": list(chunk)})
    }
    found = FurtherTries()
    for job_id, row in rows.items():
        key = keys.get(firsts[job_id])
        if key is None:
            continue
        if row.state in {JobState.PENDING, JobState.RUNNING}:
            found.open.add(key)
        elif row.state == JobState.SUCCEEDED and row.verdict == REJECTED:
            found.rejected.add(key)
        elif row.state == JobState.SUCCEEDED:
            its = {"accepted": row.verdict == ACCEPTED, "revision": row.model_revision or 1}
            found.made[key].append(GoodPicture(job_id, row.finished_at, taken=row.needs_sha256, **its))
    return found


def _first(job_id: int, rows: Mapping[int, object]) -> int:
    """The job that a chain of further tries began with."""
    seen = set()
    while job_id in rows and job_id not in seen:
        seen.add(job_id)
        job_id = rows[job_id].redo_of  # type: ignore[attr-defined]
    return job_id


_REDONE: Final = (
    select(
        jobs.c.id,
        jobs.c.redo_of,
        jobs.c.state,
        jobs.c.verdict,
        jobs.c.finished_at,
        jobs.c.needs_sha256,
        job_specs.c.model_revision,
    )
    .join_from(jobs, job_specs, job_specs.c.job_id == jobs.c.id)
    .where(JOB_IS_REDO, jobs.c.run_id.in_(bindparam("runs", expanding=True)))
)
_KEYS: Final = select(jobs.c.id, jobs.c.key).where(jobs.c.id.in_(bindparam("ids", expanding=True)))
