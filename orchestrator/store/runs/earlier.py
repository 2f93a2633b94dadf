"""What other runs of the same campaign and name hold for the jobs of a run, a chunk of keys at a time.

Good pictures are found through an index of made jobs by key, the newest first, so that thirty nights cost no
more than one. Runs that have jobs under way are few, and are asked one by one through their own keys. Further
tries that people asked for (`redo`) have keys of their own: they are read once, and count for the job that
they are a try of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
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
    baseline,
    fate,
    is_outdated,
)
from orchestrator.core.states import JobState
from orchestrator.core.url_inputs import Seen, UrlInputs, other_urls, recorded
from orchestrator.store.db import bulk
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, jobs, runs
from orchestrator.store.runs.further_tries import REJECTED, FurtherTries, further_tries
from orchestrator.store.runs.seen_addresses import compared

FIRST_NIGHT: Final = NightRule()
"""Where there is no other run, everything is asked for, whatever word there is."""

NONE_SEEN: Final[Mapping[str, Seen]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Decided:
    """What is done about one job, and why."""

    fate: Fate
    made: GoodPicture | None = None
    superseded: tuple[int, ...] = ()  # jobs of earlier runs that wait for the same, and are cancelled for it
    differs: bool = False  # an https input serves another picture than before
    outdated: bool = False  # bought, and there is a picture that an older revision of the model has made
    seen: Mapping[str, str] = field(default_factory=dict)  # what is recorded of its https inputs


@dataclass(frozen=True, slots=True)
class OtherRuns:
    """The other runs of one manifest, as one transaction sees them."""

    rule: NightRule
    run_ids: Sequence[int]  # newest first
    open_ids: Sequence[int]  # those with jobs that wait or run
    before: int | None  # the run that asks: those with a lower id are earlier; None: it does not exist yet
    tries: FurtherTries
    odd: dict[str, Past] = field(default_factory=dict)  # whose https inputs had a say: rows that share them

    def decide(self, tx: Tx, keys: Sequence[str], seen: Mapping[str, Seen] = NONE_SEEN) -> dict[str, Decided]:
        """What becomes of the jobs with these keys, none of which the run has yet. `seen` is what the https
        inputs serve of those that have any.
        """
        pasts, waiting = self._pasts(tx, keys) if self.run_ids else ({}, {})
        counting: dict[str, Seen] = {}
        if seen:
            always = self.rule.url_inputs is UrlInputs.ALWAYS
            pasts, counting = compared(tx, self.run_ids, pasts, seen=seen, always=always)
        rule = self.rule if self.run_ids else FIRST_NIGHT
        found: dict[str, Decided] = {}
        for key in keys:
            past = self._with_addresses(key, pasts.get(key, NOTHING))
            word = fate(rule, past, tx.now)
            superseded = waiting.get(key, ()) if word is Fate.BUY else ()
            kept = recorded(seen.get(key, {}))
            if word is Fate.REUSE:  # a difference would have counted: what was known first goes on counting
                kept |= counting.get(key, {})
            buys = word is Fate.BUY
            found[key] = Decided(
                word,
                past.made if word is Fate.REUSE else None,
                tuple(superseded),
                differs=past.differs and buys,
                outdated=buys and is_outdated(rule, past),
                seen=kept,
            )
        return found

    def other_urls(self, tx: Tx, seen: Mapping[str, Seen]) -> set[str]:
        """The addresses that seem to serve other pictures than those that are there were made from."""
        if not self.run_ids or self.rule.regenerate is not Regenerate.CHANGED:
            return set()
        pasts: dict[str, Past] = {}
        self._add_made(tx, list(seen), pasts)
        _found, counting = compared(tx, self.run_ids, pasts, seen=seen)
        return {url for key, now in seen.items() for url in other_urls(counting.get(key, {}), now)}

    def _with_addresses(self, key: str, past: Past) -> Past:
        """A row that shares a job comes after it, by its key alone."""
        if past.gone or past.differs or (past.by_address and self.rule.url_inputs is UrlInputs.ALWAYS):
            self.odd[key] = past
        elif (known := self.odd.get(key)) is not None:
            return replace(past, gone=known.gone, differs=known.differs, by_address=known.by_address)
        return past

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
        for key, job_id, at, accepted, revision in rows:
            made = None
            if job_id is not None:
                made = GoodPicture(job_id, at, accepted=bool(accepted), revision=revision or 1)
            pasts[key] = Past(made=baseline(made, self.tries.made.get(key, ())))
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
        tries=further_tries(tx, ids),
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


_MADE: Final = """\
SELECT wanted.value, made.id, made.finished_at, made.verdict = 'accepted', job_specs.model_revision
FROM {{each}} AS wanted LEFT JOIN jobs AS made ON made.id = (
  SELECT jobs.id FROM jobs WHERE jobs.state = 'succeeded' AND jobs.key = wanted.value
  AND +jobs.run_id IN ({runs}) AND (jobs.verdict IS NULL OR jobs.verdict <> 'rejected')
  AND NOT EXISTS (SELECT 1 FROM outputs WHERE outputs.job_id = jobs.id AND outputs.idx < jobs.images
                  AND outputs.state NOT IN ('stored', 'absent'))
  AND EXISTS (SELECT 1 FROM outputs WHERE outputs.job_id = jobs.id AND outputs.idx < jobs.images
              AND outputs.state = 'stored')
  ORDER BY jobs.id DESC LIMIT 1)
LEFT JOIN job_specs ON job_specs.job_id = made.id"""
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
