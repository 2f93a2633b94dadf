"""What a run makes of the jobs of its later stages: that follows from the jobs whose pictures they take.

| The job whose picture it takes | the job itself |
|---|---|
| is made in this run | is made, whatever earlier runs hold: its picture will be another one |
| is reused, and an earlier run has made this one from the same picture | is reused |
| is reused, and another run is making this one from the same picture | is not added |
| is reused, and otherwise | as the rule says of one that nobody has made |
| is not of this run | is not added |
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

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
from orchestrator.store.db import bulk
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import chosen_pictures
from orchestrator.store.runs.chosen_pictures import WantedPicture
from orchestrator.store.runs.earlier import Decided, OtherRuns, look_back
from orchestrator.store.runs.further_tries import ACCEPTED, REJECTED
from orchestrator.store.runs.new_jobs import NewJob
from orchestrator.store.runs.superseding import This, carry_out


class _Source(NamedTuple):
    """A job that others need, as this run has it or will have it."""

    reused_from: int | None


def decide_following(
    tx: Tx, this: This, fresh: Sequence[NewJob], *, rule: NightRule | None, decided: Mapping[str, Decided]
) -> dict[str, Decided]:
    """What becomes of those of these jobs that need a picture, by key; `decided` is what becomes of the
    others. Inserts are locked.
    """
    left = [job for job in fresh if job.needs is not None]
    if not left:
        return {}
    run_id, campaign, name = this
    earlier = look_back(tx, rule, campaign=campaign, name=name, mine=run_id) if rule else None
    sources = _known(tx, run_id, left) | {
        key: source for key, item in decided.items() for source in _as(item)
    }
    found: dict[str, Decided] = {}
    while ready := [job for job in left if job.needs and job.needs[0] in sources]:
        now = _decide(tx, ready, earlier=earlier, sources=sources)
        found |= carry_out(tx, now)
        sources |= {key: source for key in now for source in _as(found[key])}
        left = [job for job in left if job.key not in found]
    return found | {job.key: Decided(_without(rule)) for job in left}


def _as(item: Decided) -> list[_Source]:
    if item.fate is Fate.BUY:
        return [_Source(None)]
    return [_Source(item.made.job_id)] if item.fate is Fate.REUSE and item.made else []


def _without(rule: NightRule | None) -> Fate:
    """Of a job whose source the run does not have."""
    narrow = rule is not None and rule.regenerate in {Regenerate.FAILED, Regenerate.REJECTED}
    return Fate.LEAVE if narrow else Fate.UNDER_WAY


def _known(tx: Tx, run_id: int, left: Sequence[NewJob]) -> dict[str, _Source]:
    keys = sorted({job.needs[0] for job in left if job.needs})
    return {key: _Source(reused_from) for key, reused_from in bulk.lookup(tx.conn, _KNOWN, keys, run_id)}


def _decide(
    tx: Tx, ready: Sequence[NewJob], *, earlier: OtherRuns | None, sources: Mapping[str, _Source]
) -> dict[str, Decided]:
    if earlier is None:
        return {job.key: Decided(Fate.BUY) for job in ready}
    wanted = {
        job.key: WantedPicture(reused_from, job.needs[1], job.needs[2])
        for job in ready
        if job.needs and (reused_from := sources[job.needs[0]].reused_from) is not None
    }
    chosen = chosen_pictures.choices(tx, set(wanted.values()))
    taken = {key: chosen[each].sha256 for key, each in wanted.items() if each in chosen}
    pasts = _pasts(tx, earlier, taken)
    waiting = _add_open(tx, earlier, [job.key for job in ready], wanted=wanted, taken=taken, pasts=pasts)
    found = {}
    for job in ready:
        past = pasts.get(job.key, NOTHING)
        word = fate(earlier.rule, past, tx.now) if job.key in wanted else Fate.BUY
        superseded = tuple(waiting.get(job.key, ())) if word is Fate.BUY else ()
        made, outdated = past.made if word is Fate.REUSE else None, is_outdated(earlier.rule, past)
        found[job.key] = Decided(word, made, superseded, outdated=outdated and word is Fate.BUY)
    return found


def _pasts(tx: Tx, earlier: OtherRuns, taken: Mapping[str, str]) -> dict[str, Past]:
    """The good pictures that were made from the picture that each would be made from now."""
    if earlier.rule.regenerate is Regenerate.ALL:
        return {}
    own: dict[str, GoodPicture] = {}
    runs = set(earlier.run_ids)
    for key, job_id, run_id, at, verdict, of, revision in bulk.lookup(tx.conn, _MADE, list(taken)):
        newest = key not in own or job_id > own[key].job_id
        if newest and run_id in runs and of == taken[key] and verdict != REJECTED:
            its = {"accepted": verdict == ACCEPTED, "taken": of, "revision": revision or 1}
            own[key] = GoodPicture(job_id, at, **its)
    tries = earlier.tries.made
    of_it = {key: [each for each in tries.get(key, ()) if each.taken == sha] for key, sha in taken.items()}
    return {key: Past(made=baseline(own.get(key), of_it[key])) for key in taken}


def _add_open(
    tx: Tx,
    earlier: OtherRuns,
    keys: Sequence[str],
    *,
    wanted: Mapping[str, WantedPicture],
    taken: Mapping[str, str],
    pasts: dict[str, Past],
) -> dict[str, list[int]]:
    """What other runs make or wait for; returns those that this one may take the place of."""
    waiting: dict[str, list[int]] = {}
    rule = earlier.rule
    for run_id in earlier.open_ids:
        for key, job_id, state, of in bulk.lookup(tx.conn, _OPEN, keys, run_id):
            past = pasts.get(key, NOTHING)
            is_earlier = earlier.before is None or run_id < earlier.before
            if state == JobState.RUNNING:
                pasts[key] = replace(past, under_way=past.under_way or of == taken.get(key))
            elif rule.leftovers is Leftovers.CANCEL and is_earlier:
                waiting.setdefault(key, []).append(job_id)
            elif rule.leftovers is not Leftovers.KEEP and key in wanted:
                pasts[key] = replace(past, waiting=True)
    return waiting


_KNOWN: Final = "SELECT key, reused_from FROM jobs WHERE run_id = {} AND key {any}"
_OPEN: Final = (
    "SELECT key, id, state, needs_sha256 FROM jobs WHERE run_id = {} "
    "AND state IN ('pending', 'running') AND key {any}"
)
_MADE: Final = """\
SELECT key, id, run_id, finished_at, verdict, needs_sha256,
  (SELECT model_revision FROM job_specs WHERE job_specs.job_id = jobs.id)
FROM jobs WHERE state = 'succeeded'
AND EXISTS (SELECT 1 FROM outputs WHERE outputs.job_id = jobs.id AND outputs.idx < jobs.images
            AND outputs.state = 'stored') AND key {any}"""
