"""Runs: one for each application of a manifest under a run key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update

from orchestrator.core.errors import UsageError
from orchestrator.core.specs import MAX_ATTEMPTS, RunSpec
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, lanes, runs
from orchestrator.store.runs.campaigns import ensure_campaign, refuse_closed
from orchestrator.store.runs.run_lanes import lock_lanes


@dataclass(frozen=True, slots=True)
class Run:
    """One application of a manifest under a run key, as stored."""

    id: int
    campaign_id: int
    campaign: str
    name: str
    run_key: str
    model: str
    priority: int  # a person's word, else the manifest's
    max_attempts: int


def ensure_run(tx: Tx, spec: RunSpec) -> Run:
    """The run with that campaign, name and key, created when there is none; settings that may change are
    updated. Raises UsageError for a campaign that is closed.
    """
    refuse_closed(tx, [spec.campaign])
    campaign_id = ensure_campaign(tx, spec.campaign)
    changeable = {
        "manifest_path": spec.manifest_path,
        "manifest_sha256": spec.manifest_sha256,
        "priority": spec.priority,
        "applied_at": tx.now,
        "settings": spec.settings or None,
        "finish_by": spec.finish_by,
        "chain_reserved": spec.chain_reserved,
        **({} if spec.max_attempts is None else {"max_attempts": spec.max_attempts}),
    }
    this = select(runs.c.id).where(
        runs.c.campaign_id == campaign_id, runs.c.name == spec.name, runs.c.run_key == spec.run_key
    )
    lock_lanes(tx, lanes.c.run_id.in_(this))
    statement = dialect.insert(tx.conn, runs).values(
        campaign_id=campaign_id,
        name=spec.name,
        run_key=spec.run_key,
        model=spec.model,
        created_at=tx.now,
        **{"max_attempts": MAX_ATTEMPTS, **changeable},
    )
    tx.conn.execute(
        statement.on_conflict_do_update(index_elements=["campaign_id", "name", "run_key"], set_=changeable)
    )
    run = find_run(tx=tx, campaign=spec.campaign, name=spec.name, run_key=spec.run_key)
    assert run is not None
    if run.model != spec.model:
        raise UsageError(
            f"Run {spec.run_key!r} of {spec.campaign}/{spec.name} was made for model {run.model}; the "
            f"manifest now says {spec.model}. Give the run another key with --run, or the manifest another "
            "name."
        )
    tx.conn.execute(update(lanes).where(lanes.c.run_id == run.id).values(priority=run.priority))
    return run


def find_run(tx: Tx, campaign: str, name: str, run_key: str) -> Run | None:
    """The run, or None."""
    named = (campaigns.c.name == campaign, runs.c.name == name, runs.c.run_key == run_key)
    row = tx.conn.execute(_RUNS.where(*named)).one_or_none()
    return None if row is None else _run_of(row)


def run_by_id(tx: Tx, run_id: int) -> Run:
    """The run with that id, which exists."""
    return _run_of(tx.conn.execute(_RUNS.where(runs.c.id == run_id)).one())


def _run_of(row: Any) -> Run:
    return Run(
        id=row.id,
        campaign_id=row.campaign_id,
        campaign=row.campaign,
        name=row.name,
        run_key=row.run_key,
        model=row.model,
        priority=row.priority if row.operator_priority is None else row.operator_priority,
        max_attempts=row.max_attempts,
    )


def models_in_use(tx: Tx) -> set[str]:
    """Every model that some run names."""
    return set(tx.conn.execute(select(runs.c.model).distinct()).scalars())


def existing_ids(tx: Tx, run_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Ids of the jobs that the run already has with these keys, by key."""
    return dict(bulk.lookup(tx.conn, _KNOWN, keys, run_id))


_RUNS: Final = select(runs, campaigns.c.name.label("campaign")).join_from(runs, campaigns)
_KNOWN: Final = "SELECT key, id FROM jobs WHERE run_id = {} AND key {any}"
