"""Which picture of a job those take that need one: the choice among its tries, as `core/choice.py` has it.

The tries of a job are itself and all that were asked for as further tries of it, by whatever way round; of a
job that has the pictures of an earlier run, those of that one. A picture counts that is stored, of a job that
succeeded, neither flagged nor rejected; where a person or a rule must have accepted it, only an accepted one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, func, select

from orchestrator.core.choice import Try, chosen
from orchestrator.core.paths import EARLIER_INDEX, is_quarantined
from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, attempts, jobs, outputs, verdicts

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """A picture that some job takes."""

    source: int  # the job that makes it
    index: int
    accepted: bool  # only an accepted one


@dataclass(frozen=True, slots=True)
class ChosenPicture:
    """The picture that a job takes now."""

    job_id: int  # which try has made it
    path: str  # where it lies, relative to the output root
    sha256: str
    bytes: int
    media_type: str

    @property
    def entry(self) -> dict[str, Any]:
        """It, as an input picture of the job that takes it."""
        named = {"path": self.path, "sha256": self.sha256}
        return {**named, "bytes": self.bytes, "media_type": self.media_type}


class _Known(NamedTuple):
    redo_of: int | None
    reused_from: int | None


def choices(tx: Tx, wanted: Collection[WantedPicture]) -> dict[WantedPicture, ChosenPicture]:
    """What each of them is; those that have none now are left out."""
    tries = tries_of(tx, {each.source for each in wanted})
    stored = _stored(tx, {job_id for its in tries.values() for job_id in its})
    found = {}
    for each in set(wanted):
        rows = [
            row for job_id in tries[each.source] for row in stored.get(job_id, ()) if row.idx == each.index
        ]
        best = _best(rows, accepted=each.accepted)
        if best is not None:
            found[each] = best
    return found


def tries_of(tx: Tx, sources: Collection[int]) -> dict[int, set[int]]:
    """The jobs whose pictures count as those of each source."""
    known = dict(_known(tx, sources))
    starts = {source: (known[source].reused_from or source) for source in sources if source in known}
    firsts = _firsts(tx, starts.values(), known)
    members = further_tries(tx, set(firsts.values()))
    return {source: members[firsts[starts[source]]] if source in starts else set() for source in sources}


def further_tries(tx: Tx, firsts: Collection[int]) -> dict[int, set[int]]:
    """These jobs, each with all that are further tries of it, by whatever way round."""
    members = {first: {first} for first in firsts}
    owner = {first: first for first in members}
    level = list(members)
    while level:
        following = []
        for job_id, of in _further(tx, level):
            if job_id not in owner:
                owner[job_id] = owner[of]
                members[owner[of]].add(job_id)
                following.append(job_id)
        level = following
    return members


def first_tries(tx: Tx, job_ids: Collection[int]) -> set[int]:
    """The jobs that these are tries of, themselves where they are none."""
    return set(_firsts(tx, job_ids, dict(_known(tx, job_ids))).values())


def places(tx: Tx, job_id: int, sha256: str) -> list[str]:
    """Where the picture with this digest lies that a job takes, relative to the output root, wherever it has
    moved to; the likeliest first.
    """
    row = tx.conn.execute(_NEEDS, {"id": job_id}).one()
    if row.needs_job is None:
        return []
    found = []
    for chunk in chunks(sorted(tries_of(tx, [row.needs_job])[row.needs_job])):
        rows = tx.conn.execute(_BY_DIGEST, {"ids": list(chunk), "sha256": sha256}).all()
        found += [(each.idx != row.needs_index, each.stored_path) for each in rows]
        found += [(True, each.moving_to) for each in rows if each.moving_to]
    return [path for _, path in sorted(found)]


def _firsts(tx: Tx, job_ids: Iterable[int], known: dict[int, _Known]) -> dict[int, int]:
    wanted = set(job_ids)
    asked = set(known)
    unread = wanted | {row.redo_of for row in known.values() if row.redo_of is not None}
    while unread := unread - asked:
        known.update(_known(tx, unread))
        asked |= unread
        unread = {row.redo_of for row in known.values() if row.redo_of is not None}
    return {job_id: _climb(job_id, known) for job_id in wanted}


def _climb(job_id: int, known: Mapping[int, _Known]) -> int:
    seen = {job_id}
    while (row := known.get(job_id)) is not None and row.redo_of is not None and row.redo_of not in seen:
        job_id = row.redo_of
        seen.add(job_id)
    return job_id


def _known(tx: Tx, job_ids: Collection[int]) -> Iterable[tuple[int, _Known]]:
    for chunk in chunks(sorted(job_ids)):
        for row in tx.conn.execute(_JOBS, {"ids": list(chunk)}):
            yield row.id, _Known(row.redo_of, row.reused_from)


def _further(tx: Tx, job_ids: Collection[int]) -> Iterable[tuple[int, int]]:
    for chunk in chunks(sorted(job_ids)):
        for row in tx.conn.execute(_FURTHER, {"ids": list(chunk)}):
            yield row.id, row.redo_of


def _stored(tx: Tx, job_ids: Collection[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for chunk in chunks(sorted(job_ids)):
        for row in tx.conn.execute(_STORED, {"ids": list(chunk)}):
            if not row.nsfw and not is_quarantined(row.stored_path):
                found.setdefault(row.job_id, []).append(row)
    return found


def _best(rows: Iterable[Any], *, accepted: bool) -> ChosenPicture | None:
    candidates = {}
    for row in rows:
        if row.verdict == REJECTED or (accepted and row.verdict != ACCEPTED):
            continue
        each = Try(
            asked_at=row.asked_at,
            job_id=row.job_id,
            attempt=row.number or 0,
            index=row.idx,
            accepted=(row.accepted or 1) if row.verdict == ACCEPTED else 0,
        )
        candidates[each] = row
    best = chosen(candidates)
    if best is None:
        return None
    row = candidates[best]
    return ChosenPicture(
        job_id=row.job_id,
        path=row.stored_path,
        sha256=row.sha256,
        bytes=row.bytes,
        media_type=row.media_type or "image/png",
    )


_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_JOBS: Final = select(jobs.c.id, jobs.c.redo_of, jobs.c.reused_from).where(jobs.c.id.in_(_IDS))
_FURTHER: Final = select(jobs.c.id, jobs.c.redo_of).where(jobs.c.redo_of.in_(_IDS))
_LAST_ACCEPTED: Final = (
    select(func.max(verdicts.c.id))
    .where(verdicts.c.job_id == jobs.c.id, verdicts.c.verdict == ACCEPTED)
    .correlate(jobs)
    .scalar_subquery()
)
_NEEDS: Final = select(jobs.c.needs_job, jobs.c.needs_index).where(jobs.c.id == bindparam("id"))
_BY_DIGEST: Final = select(outputs.c.idx, outputs.c.stored_path, outputs.c.moving_to).where(
    outputs.c.job_id.in_(_IDS),
    outputs.c.sha256 == bindparam("sha256"),
    outputs.c.state == OutputState.STORED.value,
)
_STORED: Final[Select[Any]] = (
    select(
        outputs.c.job_id,
        outputs.c.idx,
        outputs.c.stored_path,
        outputs.c.sha256,
        outputs.c.bytes,
        outputs.c.media_type,
        outputs.c.nsfw,
        func.coalesce(outputs.c.wanted_at, jobs.c.created_at).label("asked_at"),
        jobs.c.verdict,
        attempts.c.number,
        _LAST_ACCEPTED.label("accepted"),
    )
    .select_from(outputs)
    .join(jobs, jobs.c.id == outputs.c.job_id)
    .outerjoin(attempts, attempts.c.id == outputs.c.attempt_id)
    .where(
        outputs.c.job_id.in_(_IDS),
        outputs.c.idx < EARLIER_INDEX,
        outputs.c.state == OutputState.STORED.value,
        jobs.c.state == JobState.SUCCEEDED.value,
    )
)
