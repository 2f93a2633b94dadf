"""What a reader may name: kinds of events, campaigns, runs and jobs. A name of nothing is an error."""

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import bindparam, or_, select

from orchestrator.core.errors import NotFoundError
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, acts, campaigns, events, jobs, runs
from orchestrator.store.views.happened.event_kinds import EVENT_KINDS


def named_kinds(tx: Tx, names: Iterable[str]) -> tuple[str, ...]:
    """Kinds of events, and commands of acts, each of which is known or was recorded; raises NotFoundError for
    one that is neither.
    """
    wanted = tuple(names)
    if all(name in EVENT_KINDS for name in wanted):
        return wanted
    recorded = {kind for query in (_KINDS, _COMMANDS) for kind in tx.conn.execute(query).scalars()}
    known = sorted(EVENT_KINDS.keys() | recorded)
    for name in wanted:
        if name not in known:
            raise NotFoundError(nothing("event of kind", name, known, limit=99))
    return wanted


def named_campaign(tx: Tx, name: str) -> tuple[int, ...]:
    """The campaign of that name; raises NotFoundError."""
    names = {row.name: row.id for row in tx.conn.execute(_CAMPAIGNS)}
    if name not in names:
        raise NotFoundError(nothing("campaign", name, list(names)))
    return (names[name],)


def named_runs(tx: Tx, name: str) -> tuple[int, ...]:
    """The runs of that key, of the manifest of that name, or the run campaign/name/key; raises
    NotFoundError.
    """
    found = tuple(tx.conn.execute(_RUNS, {"name": name}).scalars())
    if not found:
        raise NotFoundError(nothing("run", name, list(tx.conn.execute(_PATHS).scalars())))
    return found


def named_job(tx: Tx, job_id: int) -> int:
    """The id of a job that exists; raises NotFoundError."""
    if tx.conn.execute(_JOB, {"id": job_id}).scalar() is None:
        raise NotFoundError(f"There is no job {job_id}. List jobs with: orchestrator jobs list")
    return job_id


def nothing(what: str, name: str, known: Collection[str], *, limit: int = 12) -> str:
    """There is nothing of that name: what there is, and what may have been meant."""
    hint = did_you_mean(name, known)
    there = f"there are: {listed(known, limit=limit)}" if known else "there is none at all"
    return f"There is no {what} {name!r}; {there}{f'; {hint}' if hint else '.'}"


_KINDS: Final = select(events.c.kind).distinct()
_COMMANDS: Final = select(acts.c.command).distinct()
_CAMPAIGNS: Final = select(campaigns.c.id, campaigns.c.name)
_PATHS: Final = select(RUN_PATH).join_from(runs, campaigns).order_by(runs.c.id.desc()).limit(1000)
_RUNS: Final = (
    select(runs.c.id)
    .join_from(runs, campaigns)
    .where(or_(*(column == bindparam("name") for column in (runs.c.run_key, runs.c.name, RUN_PATH))))
)
_JOB: Final = select(jobs.c.id).where(jobs.c.id == bindparam("id"))
