"""The last word on a job as the sidecars of its pictures tell it, and its rows made again from that."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from orchestrator.core.sidecar import SidecarError
from orchestrator.core.verdicts import STARS_MAX, JobVerdict, Opinion, VerdictSource
from orchestrator.store.choosing.verdicts import GivenVerdict, last_words, opinion_columns
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import jobs, verdicts

ENTRY: Final = "choice"
"""In a sidecar; it has none where nobody has said anything, or what was said was taken back."""

_TEXT_MAX: Final = 10_000
_ODD: Final = "its sidecar has an odd `choice`: the verdict is not recorded"


def choices_of(tx: Tx, job_ids: Sequence[int]) -> dict[int, dict[str, Any] | None]:
    """What the sidecars of these jobs should have as their entry; None: they should have none."""
    said = last_words(tx, job_ids)
    return {job_id: _document(said[job_id]) if job_id in said else None for job_id in job_ids}


def judged_jobs(tx: Tx, *, after: int, limit: int) -> list[int]:
    """Jobs of which anything was ever said, by id."""
    return list(tx.conn.execute(_JUDGED, {"after": after, "want": limit}).scalars())


def told_choice(said: Mapping[str, Any]) -> GivenVerdict | None:
    """What a sidecar tells; raises SidecarError for what is no word on a picture."""
    entry = said.get(ENTRY)
    if entry is None:
        return None
    try:
        opinion = Opinion(
            JobVerdict(entry.get("verdict") or JobVerdict.NONE), entry.get("stars") or 0, entry.get("note")
        )
        given = GivenVerdict(
            opinion,
            who=entry["who"],
            host=entry["host"],
            at=entry["at_ms"],
            source=VerdictSource(entry["source"]),
        )
    except (AttributeError, KeyError, ValueError):
        raise SidecarError(_ODD) from None
    texts: list[Any] = [given.who, given.host, opinion.note or ""]
    if not all(isinstance(text, str) and len(text) <= _TEXT_MAX for text in texts):
        raise SidecarError(_ODD)
    at: Any = given.at
    if type(at) is not int or at < 0 or opinion.stars not in range(STARS_MAX + 1):
        raise SidecarError(_ODD)
    return given


def restore(tx: Tx, job_id: int, given: GivenVerdict) -> None:
    """Record it as it was said, unless something is known of the job here already."""
    if tx.conn.execute(_ANY, {"job": job_id}).first() is not None:
        return
    columns = opinion_columns(given.opinion)
    signed = {"at": given.at, "who": given.who, "host": given.host, "source": given.source.value}
    tx.conn.execute(insert(verdicts), [{"job_id": job_id, **signed, **columns}])
    tx.conn.execute(update(jobs).where(jobs.c.id == job_id).values(**columns))


def restore_redo(tx: Tx, run_id: int, *, job_id: int, of: str, by: VerdictSource) -> None:
    """Say again whose further try a job is, by the key of that job in its run; nothing where there is none,
    because it has no picture, and nothing where it is known.
    """
    known = tx.conn.execute(_BY_KEY, {"run": run_id, "key": of}).scalar()
    if known is not None and known != job_id:
        tx.conn.execute(_REDO, {"j_id": job_id, "v_of": known, "v_by": by.value})


def _document(given: GivenVerdict) -> dict[str, Any] | None:
    said = given.opinion
    if said.words is None:
        return None
    return {
        "verdict": None if said.verdict in {None, JobVerdict.NONE} else str(said.verdict),
        "stars": said.stars or None,
        "note": said.note,
        "who": given.who,
        "host": given.host,
        "at_ms": given.at,
        "source": given.source.value,
    }


_JUDGED: Final = (
    select(verdicts.c.job_id)
    .distinct()
    .where(verdicts.c.job_id > bindparam("after"))
    .order_by(verdicts.c.job_id)
    .limit(bindparam("want"))
)
_ANY: Final = select(verdicts.c.id).where(verdicts.c.job_id == bindparam("job")).limit(1)
_BY_KEY: Final = select(jobs.c.id).where(jobs.c.run_id == bindparam("run"), jobs.c.key == bindparam("key"))
_REDO: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.redo_of.is_(None))
    .values(redo_of=bindparam("v_of"), redo_by=bindparam("v_by"))
)
