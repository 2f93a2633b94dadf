"""Verdicts on jobs: rows that are only ever added, of which the last counts; the job's row holds it too.

Each is recorded as an act as well, in the same transaction. Two people who judge one job at once wait for
each other at its row: the last one counts, and is told whose word was there before.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, update

from orchestrator.core.paths import EARLIER_INDEX
from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict, Opinion, VerdictSource, said_over
from orchestrator.store.account.acts import Change, Signature, record_all
from orchestrator.store.choosing.moves import settle_choice
from orchestrator.store.choosing.originals import meant, originals
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, jobs, outputs, verdicts
from orchestrator.store.runs import needs, stable_names


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """One row: what stood after it, and who said it."""

    opinion: Opinion
    who: str
    host: str
    at: int  # ms
    source: VerdictSource


@dataclass(frozen=True, slots=True)
class JudgedJob:
    """A job and what is said of it now. `before` is the last word on it until then; None: there was none.

    What stands already is not recorded again when the same person says it again: then nothing is `changed`.
    """

    job_id: int
    before: GivenVerdict | None
    after: GivenVerdict
    changed: bool
    through: int | None = None  # the reused job that was named: the word is on the job whose picture it has

    @property
    def named(self) -> int:
        """The job that a person named."""
        return self.through or self.job_id


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A job on whose pictures nothing can be said, and why, in words."""

    job_id: int
    why: str


def judge(
    tx: Tx, job_ids: Sequence[int], said: Opinion, *, signed: Signature, source: VerdictSource
) -> tuple[list[JudgedJob], list[NotJudged]]:
    """Say it of each job that has a stored picture, and decide again whose the clean names are; the others
    are returned with the reason. Of a reused job the one is meant whose picture it has.
    """
    through = originals(tx, job_ids)
    job_ids = meant(job_ids, through)
    judging = _Judging(now=tx.now, said=said, signed=signed, source=source)
    judged: list[JudgedJob] = []
    refused: list[NotJudged] = []
    for chunk in chunks(list(dict.fromkeys(job_ids))):
        before = _locked(tx, chunk)
        last = last_words(tx, chunk)
        refused += _refusals(tx, [job_id for job_id in chunk if job_id not in before])
        judged += [
            judging.judged(job_id, before[job_id], last.get(job_id)) for job_id in chunk if job_id in before
        ]
    changed = [item for item in judged if item.changed]
    _record(tx, changed, signed)
    settle_choice(tx, [item.job_id for item in changed])
    stable_names.mark(tx, [item.job_id for item in changed])
    needs.settle(tx, [item.job_id for item in changed], pointed_at=True)
    named = {origin: job_id for job_id, origin in through.items()}
    return [replace(item, through=named.get(item.job_id)) for item in judged], refused


def refusals(tx: Tx, job_ids: Iterable[int]) -> list[NotJudged]:
    """Those of the jobs on which no verdict can be given, each with the reason."""
    named = list(job_ids)
    wanted = meant(named, originals(tx, named))
    found: list[NotJudged] = []
    for chunk in chunks(wanted):
        can = {row.id for row in tx.conn.execute(_JUDGEABLE, {"ids": list(chunk)})}
        found += _refusals(tx, [job_id for job_id in chunk if job_id not in can])
    return found


def last_words(tx: Tx, job_ids: Sequence[int]) -> dict[int, GivenVerdict]:
    """The last verdict on each job that has one, also one that took another back."""
    rows = tx.conn.execute(_LAST, {"ids": list(job_ids)}) if job_ids else ()
    return {row.job_id: _given(row) for row in rows}


def history(tx: Tx, job_id: int) -> list[GivenVerdict]:
    """Everything that was said of a job, oldest first."""
    return [_given(row) for row in tx.conn.execute(_HISTORY, {"job": job_id})]


def _given(row: Any) -> GivenVerdict:
    return GivenVerdict(
        opinion=opinion_of(row.verdict, row.stars, row.note),
        who=row.who,
        host=row.host,
        at=row.at,
        source=VerdictSource(row.source),
    )


def opinion_of(verdict: str | None, stars: int | None, note: str | None) -> Opinion:
    """What columns of a job or of a verdict say."""
    return Opinion(JobVerdict(verdict or JobVerdict.NONE), stars or 0, note)


def _locked(tx: Tx, job_ids: Sequence[int]) -> dict[int, Opinion]:
    """Jobs with a stored picture, locked, and what stands of them. No worker changes such a job."""
    rows = tx.conn.execute(dialect.lock_rows(tx.conn, _JUDGEABLE), {"ids": list(job_ids)})
    return {row.id: opinion_of(row.verdict, row.stars, row.note) for row in rows}


@dataclass(frozen=True, slots=True)
class _Judging:
    """What is said, when, by whom and through what."""

    now: int
    said: Opinion
    signed: Signature
    source: VerdictSource

    def judged(self, job_id: int, standing: Opinion, before: GivenVerdict | None) -> JudgedJob:
        """What becomes of one job; decides, and writes nothing."""
        after = GivenVerdict(
            opinion=said_over(standing, self.said),
            who=self.signed.who,
            host=self.signed.host,
            at=self.now,
            source=self.source,
        )
        mine = before is None or (before.who, before.host) == (self.signed.who, self.signed.host)
        again = after.opinion == standing and (mine or self.said.verdict is JobVerdict.NONE)
        return JudgedJob(job_id, before, after, changed=not again)


def _record(tx: Tx, changed: Sequence[JudgedJob], signed: Signature) -> None:
    if not changed:
        return
    tx.conn.execute(_ADD, [_row(item) for item in changed])
    alike: dict[Opinion, list[int]] = defaultdict(list)
    for item in changed:
        alike[item.after.opinion].append(item.job_id)
    for opinion, ids in alike.items():
        for chunk in chunks(ids):
            tx.conn.execute(update(jobs).where(jobs.c.id.in_(chunk)).values(**opinion_columns(opinion)))
    record_all(tx, signed, map(_change, changed))


def _row(item: JudgedJob) -> dict[str, Any]:
    after = item.after
    signed = {"at": after.at, "who": after.who, "host": after.host, "source": after.source.value}
    return {"job_id": item.job_id, **signed, **opinion_columns(after.opinion)}


def opinion_columns(opinion: Opinion) -> dict[str, Any]:
    """What stands, as columns of a job or of a verdict."""
    verdict = None if opinion.verdict in {None, JobVerdict.NONE} else str(opinion.verdict)
    return {"verdict": verdict, "stars": opinion.stars or None, "note": opinion.note}


def _change(item: JudgedJob) -> Change:
    old = item.before.opinion.words if item.before else None
    return Change(f"job {item.job_id}", old, item.after.opinion.words, job_id=item.job_id)


def _refusals(tx: Tx, job_ids: Iterable[int]) -> list[NotJudged]:
    wanted = list(job_ids)
    if not wanted:
        return []
    states = {row.id: JobState(row.state) for row in tx.conn.execute(_STATES, {"ids": wanted})}
    return [NotJudged(job_id, _why(job_id, states.get(job_id))) for job_id in wanted]


def _why(job_id: int, state: JobState | None) -> str:
    return "there is no such job" if state is None else _WHY[state].format(id=job_id)


_WHY: Final = {
    JobState.PENDING: "it waits, and has no picture yet",
    JobState.RUNNING: "it is being made, and has no picture yet",
    JobState.FAILED: "it failed, and has no picture: `orchestrator redo {id} --prompt TEXT` asks otherwise",
    JobState.CANCELLED: "it was cancelled, without a picture: `orchestrator jobs retry {id}` queues it again",
    JobState.SUCCEEDED: "none of its pictures was kept",
}
_HAS_PICTURE: Final = (
    select(outputs.c.job_id)
    .where(
        outputs.c.job_id == jobs.c.id,
        outputs.c.state == OutputState.STORED.value,
        outputs.c.idx < EARLIER_INDEX,
    )
    .exists()
)
_JUDGEABLE: Final = (
    select(jobs.c.id, jobs.c.verdict, jobs.c.stars, jobs.c.note)
    .where(
        jobs.c.id.in_(bindparam("ids", expanding=True)),
        jobs.c.state == JobState.SUCCEEDED.value,
        _HAS_PICTURE,
    )
    .order_by(jobs.c.id)
)
_STATES: Final = select(jobs.c.id, jobs.c.state).where(jobs.c.id.in_(bindparam("ids", expanding=True)))
_LAST: Final = select(verdicts).where(
    verdicts.c.id.in_(
        select(func.max(verdicts.c.id))
        .where(verdicts.c.job_id.in_(bindparam("ids", expanding=True)))
        .group_by(verdicts.c.job_id)
    )
)
_HISTORY: Final = select(verdicts).where(verdicts.c.job_id == bindparam("job")).order_by(verdicts.c.id)
_ADD: Final = insert(verdicts)
