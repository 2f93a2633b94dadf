"""Jobs that wait for the picture of another: whether it comes by itself, wants a person's word, or does not
come.

| Of the tries of the job that makes it | it |
|---|---|
| one is made, or is ready to be | comes |
| a picture is there that nobody has judged, and only an accepted one is taken | wants a word |
| otherwise: failed, cancelled, rejected, flagged, fewer pictures than asked for | does not come |
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, select

from orchestrator.core.paths import is_quarantined
from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    JOB_NEEDS,
    JOB_WAITING,
    RUN_PATH,
    OutputState,
    campaigns,
    jobs,
    outputs,
    runs,
)
from orchestrator.store.runs.chosen_pictures import REJECTED, tries_of
from orchestrator.store.runs.new_jobs import NEEDS_PICTURE


class Lack(StrEnum):
    """Why a job has no picture yet."""

    COMING = "coming"
    WORD = "word"  # it is there, and nobody has accepted it
    NONE = "none"  # it does not come by itself


@dataclass(frozen=True, slots=True)
class BlockedJob:
    """A job that waits for the picture of another."""

    job_id: int
    run_id: int
    source: int
    index: int
    lack: Lack
    tried: int  # the newest of the tries whose picture it could take
    why: str  # what became of that one, in one word


@dataclass(frozen=True, slots=True)
class BlockedCounts:
    """How many jobs of a run wait for pictures."""

    coming: int = 0
    word: int = 0
    none: int = 0

    @property
    def all(self) -> int:
        """All of them."""
        return self.coming + self.word + self.none


def of_jobs(tx: Tx, job_ids: Sequence[int]) -> dict[int, BlockedJob]:
    """Those of the jobs that wait for pictures, by id."""
    rows = [row for chunk in chunks(job_ids) for row in tx.conn.execute(_BLOCKED.where(jobs.c.id.in_(chunk)))]
    return {each.job_id: each for each in _judged(tx, rows)}


def of_runs(tx: Tx, run_ids: Collection[int] | None = None) -> dict[int, BlockedCounts]:
    """How many wait in each of the runs (None: in all) that has any."""
    query = _BLOCKED if run_ids is None else _BLOCKED.where(jobs.c.run_id.in_(list(run_ids)))
    counted: dict[int, Counter[Lack]] = {}
    for each in _judged(tx, tx.conn.execute(query).all()):
        counted.setdefault(each.run_id, Counter())[each.lack] += 1
    return {
        run_id: BlockedCounts(coming=found[Lack.COMING], word=found[Lack.WORD], none=found[Lack.NONE])
        for run_id, found in counted.items()
    }


def names(tx: Tx, run_ids: Collection[int]) -> dict[int, str]:
    """What people call these runs."""
    return {row.id: row.run for row in tx.conn.execute(_NAMES, {"ids": sorted(run_ids)})}


def _judged(tx: Tx, rows: Sequence[Any]) -> list[BlockedJob]:
    """A picture may be that of a job that is blocked itself: such a chain is followed to its begin."""
    tries: dict[int, set[int]] = {}
    known: dict[int, list[Any]] = {}
    unread = {row.needs_job for row in rows}
    above: dict[int, Any] = {row.id: row for row in rows}
    while unread:
        tries |= tries_of(tx, unread)
        fresh = {job_id for source in unread for job_id in tries[source]} - known.keys()
        _read(tx, fresh, known)
        waiting = [
            found[0]
            for job_id in fresh
            if _is_blocked(found := known.get(job_id, [])) and job_id not in above
        ]
        above |= {row.id: row for row in waiting}
        unread = {row.needs_job for row in waiting} - tries.keys()
    return [_one(row, tries, known=known, above=above) for row in rows]


def _one(
    row: Any, tries: Mapping[int, set[int]], *, known: Mapping[int, list[Any]], above: Mapping[int, Any]
) -> BlockedJob:
    lack, tried, why = _lack(row, tries, known=known, above=above, depth=0)
    return BlockedJob(
        job_id=row.id,
        run_id=row.run_id,
        source=row.needs_job,
        index=row.needs_index,
        lack=lack,
        tried=tried,
        why=why,
    )


DEPTH_MAX: Final = 20


def _lack(
    row: Any,
    tries: Mapping[int, set[int]],
    *,
    known: Mapping[int, list[Any]],
    above: Mapping[int, Any],
    depth: int,
) -> tuple[Lack, int, str]:
    best = (Lack.NONE, row.needs_job, "gone")
    for job_id in sorted(tries.get(row.needs_job, ())):
        found = known.get(job_id)
        if not found:
            continue
        if _is_blocked(found):
            lack, _, _ = (
                _lack(above[job_id], tries, known=known, above=above, depth=depth + 1)
                if job_id in above and depth < DEPTH_MAX
                else (Lack.NONE, 0, "")
            )
            each = (lack, job_id, "blocked")
        else:
            lack, why = _state(found, row)
            each = (lack, job_id, why)
        if _ORDER[each[0]] >= _ORDER[best[0]]:
            best = each
    return best


def _state(found: Sequence[Any], row: Any) -> tuple[Lack, str]:
    job = found[0]
    state = JobState(job.state)
    if state in {JobState.PENDING, JobState.RUNNING}:
        return Lack.COMING, state.value
    if state is not JobState.SUCCEEDED:
        return Lack.NONE, state.value
    if job.verdict == REJECTED:
        return Lack.NONE, REJECTED
    for each in found:
        if each.idx != row.needs_index:
            continue
        if each.output_state == OutputState.DISCARDED:
            return Lack.NONE, "flagged"
        if each.output_state == OutputState.STORED:
            flagged = each.nsfw or is_quarantined(each.stored_path)
            return (Lack.NONE, "flagged") if flagged else (Lack.WORD, "unjudged")
    return Lack.NONE, "absent"


def _is_blocked(found: Sequence[Any]) -> bool:
    return bool(found) and found[0].reason == NEEDS_PICTURE and found[0].due_at is None


def _read(tx: Tx, job_ids: Collection[int], known: dict[int, list[Any]]) -> None:
    for chunk in chunks(sorted(job_ids)):
        for row in tx.conn.execute(_TRIES, {"ids": list(chunk)}):
            known.setdefault(row.id, []).append(row)


_ORDER: Final = {Lack.NONE: 0, Lack.WORD: 1, Lack.COMING: 2}
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_BLOCKED: Final = select(jobs.c.id, jobs.c.run_id, jobs.c.needs_job, jobs.c.needs_index).where(
    JOB_WAITING, jobs.c.due_at.is_(None), jobs.c.reason == NEEDS_PICTURE, JOB_NEEDS
)
_TRIES: Final = (
    select(
        jobs.c.id,
        jobs.c.run_id,
        jobs.c.state,
        jobs.c.reason,
        jobs.c.due_at,
        jobs.c.verdict,
        jobs.c.needs_job,
        jobs.c.needs_index,
        outputs.c.idx,
        outputs.c.state.label("output_state"),
        outputs.c.nsfw,
        outputs.c.stored_path,
    )
    .select_from(jobs)
    .outerjoin(outputs, outputs.c.job_id == jobs.c.id)
    .where(jobs.c.id.in_(_IDS))
    .order_by(jobs.c.id, outputs.c.idx)
)
_NAMES: Final = select(runs.c.id, RUN_PATH.label("run")).join_from(runs, campaigns).where(runs.c.id.in_(_IDS))
