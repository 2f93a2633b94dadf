"""Where a picture comes from, as its sidecar tells it: enough to make its rows again in another database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.paths import EARLIER_INDEX
from orchestrator.store.db import identity
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, campaigns, job_specs, jobs, outputs, runs

FORMAT: Final = 2
"""Of sidecars. Those of format 1, which does not say so, name neither run nor job key."""

Origin = Mapping[str, Any]


def origins_of(tx: Tx, attempt_ids: Sequence[int]) -> dict[int, Origin]:
    """By attempt: its database, campaign, run, job and times, as a sidecar has them."""
    rows = tx.conn.execute(_ORIGINS, {"ids": list(attempt_ids)}).mappings().all()
    paths = _planned_paths(tx, {row["job_id"] for row in rows})
    shared = {"format": FORMAT, "database": identity.database_id(tx)}
    return {row["id"]: {**shared, **_origin(row), "paths": paths[row["job_id"]]} for row in rows}


def _origin(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _TOLD}


def _planned_paths(tx: Tx, job_ids: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {job_id: [] for job_id in job_ids}
    for job_id, path in tx.conn.execute(_PATHS, {"ids": list(found)}):
        found[job_id].append(path)
    return found


_TOLD: Final = (
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
    "number",
    "day",
    "submitted_at_ms",
    "completed_at_ms",
)
"""In the order in which a sidecar has them."""

_ORIGINS: Final = (
    select(
        attempts.c.id,
        attempts.c.job_id,
        campaigns.c.name.label("campaign"),
        runs.c.name,
        runs.c.run_key.label("run"),
        runs.c.manifest_path.label("manifest"),
        runs.c.manifest_sha256,
        runs.c.priority,
        runs.c.max_attempts,
        jobs.c.key,
        jobs.c.ordinal,
        jobs.c.variation,
        jobs.c.images,
        job_specs.c.tags,
        attempts.c.number,
        attempts.c.day,
        attempts.c.submitted_at.label("submitted_at_ms"),
        attempts.c.completed_at.label("completed_at_ms"),
    )
    .join_from(attempts, runs)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .join(jobs, jobs.c.id == attempts.c.job_id)
    .join(job_specs, job_specs.c.job_id == attempts.c.job_id)
    .where(attempts.c.id.in_(bindparam("ids", expanding=True)))
)
_PATHS: Final = (
    select(outputs.c.job_id, func.coalesce(outputs.c.clean_path, outputs.c.path))
    .where(outputs.c.job_id.in_(bindparam("ids", expanding=True)), outputs.c.idx < EARLIER_INDEX)
    .order_by(outputs.c.job_id, outputs.c.idx)
)
