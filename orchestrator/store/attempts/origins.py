"""Where a picture comes from, as its sidecar tells it: enough to make its rows again in another database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select

from orchestrator.core.paths import EARLIER_INDEX
from orchestrator.store.db import identity
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, campaigns, job_specs, jobs, meta, outputs, runs

FORMAT: Final = 2
"""Of sidecars. Those of format 1, which does not say so, name neither run nor job key."""

Origin = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobPaths:
    """The paths of the outputs of jobs, each by job and index, those of earlier tries and of copies too."""

    own: dict[int, dict[int, str]]  # where each is to be stored
    clean: dict[int, dict[int, str]]  # the name that the choice of its cell has, where that is another

    def told(self, job_id: int) -> list[str]:
        """What a sidecar names: the clean names, without those of earlier tries and of copies."""
        own, clean = self.own[job_id], self.clean[job_id]
        return [clean.get(index, own[index]) for index in sorted(own) if index < EARLIER_INDEX]


def origins_of(tx: Tx, attempt_ids: Sequence[int], paths: JobPaths) -> dict[int, Origin]:
    """By attempt: its database, campaign, run, job and times, as a sidecar has them. `paths` holds those of
    their jobs.
    """
    rows = tx.conn.execute(_ORIGINS, {"ids": list(attempt_ids)}).all()
    return {
        row[0]: {"format": FORMAT, **dict(zip(_TOLD, row[2:], strict=True)), "paths": paths.told(row[1])}
        for row in rows
    }


def paths_of(tx: Tx, job_ids: Collection[int]) -> JobPaths:
    """The paths of these jobs, in the order of the outputs."""
    found = JobPaths({job_id: {} for job_id in job_ids}, {job_id: {} for job_id in job_ids})
    for job_id, index, path, clean in tx.conn.execute(_PATHS, {"ids": list(found.own)}):
        found.own[job_id][index] = path
        if clean is not None:
            found.clean[job_id][index] = clean
    return found


_TOLD: Final = (
    "database",
    "campaign",
    "name",
    "run",
    "manifest",
    "manifest_sha256",
    "priority",
    "max_attempts",
    "key",
    "ordinal",
    "variation",
    "images",
    "tags",
    "axes",
    "model_revision",
    "redo_of",
    "redo_by",
    "stage",
    "needs_key",
    "needs_index",
    "needs_accepted",
    "number",
    "day",
    "submitted_at_ms",
    "completed_at_ms",
)
"""In the order in which a sidecar has them."""

_tried: Final = jobs.alias("tried")
_needed: Final = jobs.alias("needed")
_ORIGINS: Final = (
    select(
        attempts.c.id,
        attempts.c.job_id,
        select(meta.c.value).where(meta.c.key == identity.KEY).scalar_subquery(),
        campaigns.c.name,
        runs.c.name,
        runs.c.run_key,
        runs.c.manifest_path,
        runs.c.manifest_sha256,
        runs.c.priority,
        runs.c.max_attempts,
        jobs.c.key,
        jobs.c.ordinal,
        jobs.c.variation,
        jobs.c.images,
        job_specs.c.tags,
        job_specs.c.axes,
        job_specs.c.model_revision,
        _tried.c.key,
        jobs.c.redo_by,
        job_specs.c.stage,
        _needed.c.key,
        jobs.c.needs_index,
        jobs.c.needs_accepted,
        attempts.c.number,
        attempts.c.day,
        attempts.c.submitted_at,
        attempts.c.completed_at,
    )
    .join_from(attempts, runs)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .join(jobs, jobs.c.id == attempts.c.job_id)
    .join(job_specs, job_specs.c.job_id == attempts.c.job_id)
    .outerjoin(_tried, _tried.c.id == jobs.c.redo_of)
    .outerjoin(_needed, _needed.c.id == jobs.c.needs_job)
    .where(attempts.c.id.in_(bindparam("ids", expanding=True)))
)
_PATHS: Final = (
    select(outputs.c.job_id, outputs.c.idx, outputs.c.path, outputs.c.clean_path)
    .where(outputs.c.job_id.in_(bindparam("ids", expanding=True)))
    .order_by(outputs.c.job_id, outputs.c.idx)
)
