"""Runs and their new jobs: what `apply` writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.errors import UsageError
from orchestrator.core.specs import MAX_ATTEMPTS, JobSpec, RunSpec
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, job_specs, jobs, lanes, outputs, runs
from orchestrator.store.runs import new_jobs, output_paths
from orchestrator.store.runs.campaigns import ensure_campaign, refuse_closed
from orchestrator.store.runs.new_jobs import NewJob, encode
from orchestrator.store.runs.run_lanes import ensure_lanes, lock_lanes

LIST_PRICES: Final[Mapping[str, int]] = MappingProxyType({})
"""No other prices were shown than those of the catalogue."""


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


@dataclass(frozen=True, slots=True)
class Added:
    """What one chunk of specs changed."""

    new: int
    existing: int
    renamed: tuple[tuple[str, str], ...]  # (wanted, given) where an earlier job owns the path


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


def states_by_key(tx: Tx, run_id: int, keys: Sequence[str]) -> dict[str, str]:
    """The states of the jobs that the run already has with these keys."""
    known = existing_ids(tx, run_id, keys)
    found = _standing(tx, known.values())
    return {key: found[job_id].state for key, job_id in known.items() if job_id in found}


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a chunk of specs would change."""

    fresh: list[JobSpec]  # those that the run does not have yet
    conflicts: list[output_paths.PathConflict]  # their paths that jobs of another manifest own
    known: Collection[int]  # ids of the jobs that the run has already
    states: Mapping[str, str]  # their states, by key
    untried: list[JobSpec]  # those of them that wait and were never tried


def look_up(tx: Tx, run: Run | None, owner: RunSpec, specs: Sequence[JobSpec]) -> LookedUp:
    """Compare specs of `owner` with what is stored; `run` is None when it does not exist. Writes nothing."""
    known = existing_ids(tx, run.id, [spec.key for spec in specs]) if run else {}
    fresh = [spec for spec in specs if spec.key not in known]
    wanted = [path for spec in fresh for path in spec.output_paths]
    found = _standing(tx, known.values())
    return LookedUp(
        fresh=fresh,
        conflicts=output_paths.foreign(tx=tx, campaign=owner.campaign, name=owner.name, wanted=wanted),
        known=known.values(),
        states={key: found[job_id].state for key, job_id in known.items() if job_id in found},
        untried=[spec for spec in specs if spec.key in known and _is_untried(found.get(known[spec.key]))],
    )


def _standing(tx: Tx, ids: Collection[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for chunk in bulk.chunks(list(ids)):
        found.update((row.id, row) for row in tx.conn.execute(_STANDING, {"ids": chunk}))
    return found


def _is_untried(row: Any) -> bool:
    return row is not None and row.queue is not None and row.attempts == 0


def add_jobs(tx: Tx, run: Run, specs: Sequence[JobSpec]) -> Added:
    """Insert the specs that the run does not have yet. Raises PathTakenError and then inserts none; see
    `output_paths`.
    """
    return add_encoded(tx, run, [encode(spec) for spec in specs])


def add_encoded(tx: Tx, run: Run, wanted: Sequence[NewJob], agreed: Mapping[str, int] = LIST_PRICES) -> Added:
    """Insert jobs that are encoded already, as `add_jobs` does. `agreed` are the prices that a person was
    shown, by price digest; a job without one was shown at its list price.
    """
    dialect.lock_inserts(tx.conn, jobs)  # ids and paths are read first, then taken
    known = existing_ids(tx, run.id, [job.key for job in wanted])
    fresh = [job for job in wanted if job.key not in known]
    if not fresh:
        return Added(0, len(wanted), ())
    given, renamed = output_paths.assign(
        tx=tx, campaign=run.campaign, name=run.name, run_key=run.run_key, jobs_to_be=fresh
    )
    insert_jobs(tx, run, given, agreed=agreed)
    return Added(len(given), len(wanted) - len(given), tuple(renamed))


def insert_jobs(tx: Tx, run: Run, given: Sequence[NewJob], *, agreed: Mapping[str, int]) -> Sequence[int]:
    """Insert jobs whose keys and paths are free, into the lanes of their prices; returns their ids. Inserts
    are locked.
    """
    first_id = (tx.conn.execute(_HIGHEST_ID).scalar() or 0) + 1
    lane_ids = ensure_lanes(tx, given, run_id=run.id, priority=run.priority, agreed=agreed)
    numbered = list(enumerate(given, start=first_id))
    rows = new_jobs.job_rows(
        numbered=numbered, run_id=run.id, lane_ids=lane_ids, tries=run.max_attempts, now=tx.now
    )
    bulk.insert_many(conn=tx.conn, table=jobs, columns=new_jobs.JOB_COLUMNS, rows=rows)
    specs = new_jobs.spec_rows(numbered, run.id)
    bulk.insert_many(conn=tx.conn, table=job_specs, columns=new_jobs.SPEC_COLUMNS, rows=specs)
    bulk.insert_many(
        conn=tx.conn, table=outputs, columns=new_jobs.OUTPUT_COLUMNS, rows=new_jobs.output_rows(numbered)
    )
    return range(first_id, first_id + len(given))


_RUNS: Final = select(runs, campaigns.c.name.label("campaign")).join_from(runs, campaigns)
_KNOWN: Final = "SELECT key, id FROM jobs WHERE run_id = {} AND key {any}"
_STANDING: Final = select(jobs.c.id, jobs.c.state, jobs.c.queue, jobs.c.attempts).where(
    jobs.c.id.in_(bindparam("ids", expanding=True))
)
_HIGHEST_ID: Final = select(func.max(jobs.c.id))
