"""New jobs of a run: which of them it does not have yet, what earlier runs serve, and their rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Final

from sqlalchemy import func, select

from orchestrator.core.nights import Fate, GoodPicture, NightRule
from orchestrator.core.specs import JobSpec
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Queue, job_specs, jobs, outputs
from orchestrator.store.runs import asking_names, lost_sources, needs, new_jobs, output_paths
from orchestrator.store.runs.new_jobs import NewJob, encode
from orchestrator.store.runs.run_lanes import ensure_lanes
from orchestrator.store.runs.runs import Run, existing_ids
from orchestrator.store.runs.stage_fates import decide_following
from orchestrator.store.runs.superseding import decide

LIST_PRICES: Final[Mapping[str, int]] = MappingProxyType({})
"""No other prices were shown than those of the catalogue."""


@dataclass(frozen=True, slots=True)
class Added:
    """What one chunk of specs changed."""

    new: int
    existing: int
    renamed: tuple[tuple[str, str], ...]  # (wanted, given) where an earlier job owns the path
    reused: int = 0  # have the pictures of an earlier run
    avoided_micros: int = 0  # what these would have cost
    under_way: int = 0  # another run is making them: they were not added
    left_alone: int = 0  # the rule does not ask for them: they were not added
    superseded: int = 0  # jobs of earlier runs that waited for the same, and were cancelled
    at_address: int = 0  # bought because an https input serves another picture
    outdated: int = 0  # bought because an older revision of the model has made what is there


def add_jobs(tx: Tx, run: Run, specs: Sequence[JobSpec]) -> Added:
    """Insert the specs that the run does not have yet. Raises PathTakenError and then inserts none; see
    `output_paths`.
    """
    return add_encoded(tx, run, [encode(spec) for spec in specs])


def add_encoded(
    tx: Tx,
    run: Run,
    wanted: Sequence[NewJob],
    agreed: Mapping[str, int] = LIST_PRICES,
    *,
    rule: NightRule | None = None,
) -> Added:
    """Insert jobs that are encoded already, as `add_jobs` does. `agreed` are the prices that a person was
    shown, by price digest; a job without one was shown at its list price. What earlier runs hold is looked at
    here once more, by the `rule`: two runs that are applied at once buy once.
    """
    dialect.lock_inserts(tx.conn, jobs)  # ids and paths are read first, then taken
    known = existing_ids(tx, run.id, [job.key for job in wanted])
    fresh = [job for job in wanted if job.key not in known]
    existing = len(wanted) - len(fresh)
    added = Added(0, existing, ())
    if fresh:
        added = replace(_add_fresh(tx, run, fresh, agreed=agreed, rule=rule), existing=existing)
    lost_sources.name_again(tx, run.id, [job for job in wanted if job.key in known])
    return added


def _add_fresh(
    tx: Tx, run: Run, fresh: Sequence[NewJob], *, agreed: Mapping[str, int], rule: NightRule | None
) -> Added:
    this = run.id, run.campaign, run.name
    firsts = [job for job in fresh if job.needs is None]
    seen = {job.key: job.seen for job in firsts if job.seen}
    decided = decide(tx, this, [job.key for job in firsts], rule=rule, seen=seen)
    decided |= decide_following(tx, this, fresh, rule=rule, decided=decided)
    bought = [job for job in fresh if decided[job.key].fate is Fate.BUY]
    reused = [
        job._replace(seen=dict(item.seen), model_revision=item.made.revision if item.made else 1)
        for job in fresh
        if (item := decided[job.key]).fate is Fate.REUSE
    ]
    fates = Counter(item.fate for item in decided.values())
    given, renamed = output_paths.assign(
        tx=tx, campaign=run.campaign, name=run.name, run_key=run.run_key, jobs_to_be=bought
    )
    # Also of rows whose job another run makes, or that are left alone: they are not gone from the data.
    asking_names.ask(tx, (run.id, run.campaign_id, run.name), [job.latest for job in fresh])
    pointing = [(job, decided[job.key].made) for job in reused]
    named = _insert(tx, run, given, agreed=agreed, pointing=pointing)
    asking_names.try_with(tx, run.id, named)
    return Added(
        len(given),
        0,
        tuple(renamed),
        reused=len(reused),
        avoided_micros=sum(agreed.get(job.price_digest, job.price_micros) for job in reused),
        under_way=fates[Fate.UNDER_WAY],
        left_alone=fates[Fate.LEAVE],
        superseded=sum(len(item.superseded) for item in decided.values()),
        at_address=sum(item.differs for item in decided.values()),
        outdated=sum(item.outdated for item in decided.values()),
    )


def _insert(
    tx: Tx,
    run: Run,
    given: Sequence[NewJob],
    *,
    agreed: Mapping[str, int],
    pointing: Sequence[tuple[NewJob, GoodPicture | None]],
) -> list[tuple[int, tuple[str, ...]]]:
    """Insert what is made and what is reused; the job behind each stable name that is asked for."""
    plain = [job for job in given if job.needs is None]
    following = [job for job in given if job.needs is not None]
    ids = list(insert_jobs(tx, run, plain, agreed=agreed)) if plain else []
    insert_reused(tx, run, pointing, agreed=agreed)
    if following:  # they name those that were just inserted
        blocked = insert_jobs(tx, run, following, agreed=agreed)
        needs.settle_waiting(tx, blocked)
        ids += blocked
    named = [(job_id, job.latest) for job_id, job in zip(ids, [*plain, *following], strict=True)]
    return named + [(made.job_id, job.latest) for job, made in pointing if made]


def insert_reused(
    tx: Tx, run: Run, given: Sequence[tuple[NewJob, GoodPicture | None]], *, agreed: Mapping[str, int]
) -> None:
    """Insert jobs that have the pictures of others: they take no path, hold no money and are never claimed.
    Inserts are locked.
    """
    if not given:
        return
    first_id = (tx.conn.execute(_HIGHEST_ID).scalar() or 0) + 1
    lane_ids = ensure_lanes(
        tx, [job for job, _made in given], run_id=run.id, priority=run.priority, agreed=agreed
    )
    numbered = list(enumerate(given, start=first_id))
    places = _places(tx, run.id, [(job_id, job) for job_id, (job, _made) in numbered])
    rows = new_jobs.reused_rows(numbered, run_id=run.id, lane_ids=lane_ids, now=tx.now, places=places)
    bulk.insert_many(conn=tx.conn, table=jobs, columns=new_jobs.REUSED_COLUMNS, rows=rows)
    specs = new_jobs.spec_rows([(job_id, job) for job_id, (job, _made) in numbered], run.id)
    bulk.insert_many(conn=tx.conn, table=job_specs, columns=new_jobs.SPEC_COLUMNS, rows=specs)


def insert_jobs(tx: Tx, run: Run, given: Sequence[NewJob], *, agreed: Mapping[str, int]) -> Sequence[int]:
    """Insert jobs whose keys and paths are free, into the lanes of their prices; returns their ids. Inserts
    are locked.
    """
    first_id = (tx.conn.execute(_HIGHEST_ID).scalar() or 0) + 1
    lane_ids = ensure_lanes(tx, given, run_id=run.id, priority=run.priority, agreed=agreed)
    numbered = list(enumerate(given, start=first_id))
    rows = partial(new_jobs.job_rows, run_id=run.id, lane_ids=lane_ids, tries=run.max_attempts, now=tx.now)
    plain = [(job_id, job) for job_id, job in numbered if job.needs is None]
    bulk.insert_many(conn=tx.conn, table=jobs, columns=new_jobs.JOB_COLUMNS, rows=rows(plain))
    needing = [(job_id, job) for job_id, job in numbered if job.needs is not None]
    if needing:
        waiting = new_jobs.needing_rows(
            rows(needing, queue=Queue.WAITING), needing, _places(tx, run.id, needing)
        )
        bulk.insert_many(conn=tx.conn, table=jobs, columns=new_jobs.NEEDING_COLUMNS, rows=waiting)
    specs = new_jobs.spec_rows(numbered, run.id)
    bulk.insert_many(conn=tx.conn, table=job_specs, columns=new_jobs.SPEC_COLUMNS, rows=specs)
    bulk.insert_many(
        conn=tx.conn, table=outputs, columns=new_jobs.OUTPUT_COLUMNS, rows=new_jobs.output_rows(numbered)
    )
    return range(first_id, first_id + len(given))


def _places(tx: Tx, run_id: int, numbered: Sequence[tuple[int, NewJob]]) -> dict[str, int]:
    """The jobs that some of these need, by key: the run has them, or they are among these."""
    keys = sorted({job.needs[0] for _, job in numbered if job.needs})
    return {**{job.key: job_id for job_id, job in numbered}, **existing_ids(tx, run_id, keys)} if keys else {}


_HIGHEST_ID: Final = select(func.max(jobs.c.id))
