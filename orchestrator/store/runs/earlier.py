"""What other runs of the same campaign and name hold for the jobs of a run, a chunk of keys at a time.

Good pictures are found through an index of made jobs by key, the newest first, so that thirty nights cost no
more than one. Runs that have jobs under way are few, and are asked one by one through their own keys. Further
tries that people asked for (`redo`) have keys of their own: they are read once, and count for the job that
they are a try of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.nights import (
    NOTHING,
    Fate,
    GoodPicture,
    Leftovers,
    NightRule,
    Past,
    Regenerate,
    better,
    fate,
)
from orchestrator.core.states import JobState
from orchestrator.store.db import bulk
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_IS_REDO, campaigns, jobs, runs

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class Decided:
    """What is done about one job, and why."""

    fate: Fate
    made: GoodPicture | None = None
    superseded: tuple[int, ...] = ()  # jobs of earlier runs that wait for the same, and are cancelled for it


@dataclass(slots=True)
class FurtherTries:
    """What further tries say, by the key of the job that they are tries of."""

    made: dict[str, GoodPicture] = field(default_factory=dict)
    made_from: dict[tuple[str, str], GoodPicture] = field(default_factory=dict)  # by the picture taken, too
    open: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class OtherRuns:
    """The other runs of one manifest, as one transaction sees them."""

    rule: NightRule
    run_ids: Sequence[int]  # newest first
    open_ids: Sequence[int]  # those with jobs that wait or run
    before: int | None  # the run that asks: those with a lower id are earlier; None: it does not exist yet
    tries: FurtherTries

    def decide(self, tx: Tx, keys: Sequence[str]) -> dict[str, Decided]:
        """What becomes of the jobs with these keys, none of which the run has yet."""
        if not self.run_ids:
            return {key: Decided(Fate.BUY) for key in keys}
        pasts, waiting = self._pasts(tx, keys)
        found: dict[str, Decided] = {}
        for key in keys:
            past = pasts.get(key, NOTHING)
            word = fate(self.rule, past, tx.now)
            superseded = waiting.get(key, ()) if word is Fate.BUY else ()
            found[key] = Decided(word, past.made if word is Fate.REUSE else None, tuple(superseded))
        return found

    def _pasts(self, tx: Tx, keys: Sequence[str]) -> tuple[dict[str, Past], dict[str, list[int]]]:
        pasts: dict[str, Past] = {}
        if self.rule.regenerate is not Regenerate.ALL:
            self._add_made(tx, keys, pasts)
        waiting = self._add_open(tx, keys, pasts)
        missing = [key for key in keys if pasts.get(key, NOTHING).made is None]
        if missing and self.rule.regenerate in {Regenerate.FAILED, Regenerate.REJECTED}:
            self._add_ended(tx, missing, pasts)
        return pasts, waiting

    def _add_made(self, tx: Tx, keys: Sequence[str], pasts: dict[str, Past]) -> None:
        ids = ", ".join(map(str, self.run_ids))
        rows = bulk.each(tx.conn, _MADE.format(runs=ids), keys)
        for key, job_id, at, accepted in rows:
            made = None if job_id is None else GoodPicture(job_id, at, accepted=bool(accepted))
            pasts[key] = Past(made=better(made, self.tries.made.get(key)))
        for key in self.tries.open.intersection(keys):
            pasts[key] = replace(pasts.get(key, NOTHING), under_way=True)

    def _add_open(self, tx: Tx, keys: Sequence[str], pasts: dict[str, Past]) -> dict[str, list[int]]:
        """What waits is in the way, unless it is of an earlier run that this one supersedes."""
        waiting: dict[str, list[int]] = {}
        if self.rule.leftovers is Leftovers.KEEP and self.rule.regenerate is Regenerate.ALL:
            return waiting
        cancels = self.rule.leftovers is Leftovers.CANCEL
        for run_id in self.open_ids:
            for key, job_id, state in bulk.lookup(tx.conn, _OPEN, keys, run_id):
                past = pasts.get(key, NOTHING)
                earlier = self.before is None or run_id < self.before
                if state == JobState.RUNNING:
                    pasts[key] = replace(past, under_way=True)
                elif cancels and earlier:
                    waiting.setdefault(key, []).append(job_id)
                elif self.rule.leftovers is not Leftovers.KEEP:
                    pasts[key] = replace(past, waiting=True)
        return waiting

    def _add_ended(self, tx: Tx, keys: Sequence[str], pasts: dict[str, Past]) -> None:
        for run_id in self.run_ids:
            for key, state, verdict in bulk.lookup(tx.conn, _ENDED, keys, run_id):
                past = pasts.get(key, NOTHING)
                failed = past.failed or state in {JobState.FAILED, JobState.CANCELLED}
                pasts[key] = replace(past, failed=failed, rejected=past.rejected or verdict == REJECTED)
        for key in self.tries.rejected.intersection(keys):
            pasts[key] = replace(pasts.get(key, NOTHING), rejected=True)


def look_back(
    tx: Tx, rule: NightRule, *, campaign: str, name: str, mine: int | None = None
) -> OtherRuns | None:
    """The other runs of a manifest than the one with the id `mine`; None where the rule asks nothing of
    them.
    """
    if not rule.looks_back:
        return None
    rows = tx.conn.execute(_RUNS, {"campaign": campaign, "name": name}).all()
    others = [row for row in rows if row.id != mine]
    ids = [row.id for row in others]
    return OtherRuns(
        rule=rule,
        run_ids=ids,
        open_ids=[row.id for row in others if row.open],
        before=mine,
        tries=_tries(tx, ids),
    )


def newest_before(tx: Tx, *, campaign: str, name: str, mine: int | None) -> int | None:
    """The newest other run of a manifest that has jobs; of those before the run `mine`, where that exists."""
    rows = tx.conn.execute(_RUNS, {"campaign": campaign, "name": name})
    others = (row.id for row in rows if mine is None or row.id < mine)
    return next((run_id for run_id in others if jobs_of_run(tx, run_id)), None)


def jobs_of_run(tx: Tx, run_id: int) -> int:
    """How many jobs a run has, without further tries that people asked for."""
    return int(tx.conn.execute(_COUNT, {"run": run_id}).scalar_one())


def waiting_in(tx: Tx, run_ids: Iterable[int]) -> list[int]:
    """The jobs that wait in these runs, without further tries that people asked for."""
    return [job_id for run_id in run_ids for job_id in tx.conn.execute(_WAITING, {"run": run_id}).scalars()]


def _tries(tx: Tx, run_ids: Sequence[int]) -> FurtherTries:
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
            its = {"accepted": row.verdict == ACCEPTED, "taken": row.needs_sha256}
            made = GoodPicture(job_id, row.finished_at, **its)
            if made.taken is not None:
                taken = key, made.taken
                found.made_from[taken] = better(found.made_from.get(taken), made) or made
            found.made[key] = better(found.made.get(key), made) or made
    return found


def _first(job_id: int, rows: Mapping[int, object]) -> int:
    """The job that a chain of further tries began with."""
    seen = set()
    while job_id in rows and job_id not in seen:
        seen.add(job_id)
        job_id = rows[job_id].redo_of  # type: ignore[attr-defined]
    return job_id


_MADE: Final = """\
SELECT wanted.value, made.id, made.finished_at, made.verdict = 'accepted'
FROM {{each}} AS wanted LEFT JOIN jobs AS made ON made.id = (
  SELECT jobs.id FROM jobs WHERE jobs.state = 'succeeded' AND jobs.key = wanted.value
  AND +jobs.run_id IN ({runs}) AND (jobs.verdict IS NULL OR jobs.verdict <> 'rejected')
  AND NOT EXISTS (SELECT 1 FROM outputs WHERE outputs.job_id = jobs.id AND outputs.idx < jobs.images
                  AND outputs.state NOT IN ('stored', 'absent'))
  AND EXISTS (SELECT 1 FROM outputs WHERE outputs.job_id = jobs.id AND outputs.idx < jobs.images
              AND outputs.state = 'stored')
  ORDER BY jobs.id DESC LIMIT 1)"""
_OPEN: Final = (
    "SELECT key, id, state FROM jobs WHERE run_id = {} AND state IN ('pending', 'running') AND key {any}"
)
_ENDED: Final = (
    "SELECT key, state, verdict FROM jobs WHERE run_id = {} "
    "AND state IN ('succeeded', 'failed', 'cancelled') AND key {any}"
)
_HAS_OPEN: Final = (
    select(jobs.c.id)
    .where(jobs.c.run_id == runs.c.id, jobs.c.state.in_([JobState.PENDING.value, JobState.RUNNING.value]))
    .correlate(runs)
    .exists()
)
_RUNS: Final = (
    select(runs.c.id, _HAS_OPEN.label("open"))
    .join_from(runs, campaigns)
    .where(campaigns.c.name == bindparam("campaign"), runs.c.name == bindparam("name"))
    .order_by(runs.c.id.desc())
)
_COUNT: Final = select(func.count()).where(jobs.c.run_id == bindparam("run"), jobs.c.redo_of.is_(None))
_WAITING: Final = (
    select(jobs.c.id)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.state == JobState.PENDING.value,
        jobs.c.redo_of.is_(None),
    )
    .order_by(jobs.c.id)
)
_REDONE: Final = select(
    jobs.c.id, jobs.c.redo_of, jobs.c.state, jobs.c.verdict, jobs.c.finished_at, jobs.c.needs_sha256
).where(JOB_IS_REDO, jobs.c.run_id.in_(bindparam("runs", expanding=True)))
_KEYS: Final = select(jobs.c.id, jobs.c.key).where(jobs.c.id.in_(bindparam("ids", expanding=True)))
