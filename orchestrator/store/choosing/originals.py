"""Reused jobs stand for the jobs whose pictures they have: what a person says of one is said of the other."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, campaigns, jobs, runs


def originals(tx: Tx, job_ids: Sequence[int]) -> dict[int, int]:
    """Of those of the jobs that are reused: the jobs whose pictures they have."""
    found: dict[int, int] = {}
    for chunk in chunks(list(dict.fromkeys(job_ids))):
        found.update({row.id: row.reused_from for row in tx.conn.execute(_ORIGINS, {"ids": list(chunk)})})
    return found


def meant(job_ids: Sequence[int], found: Mapping[int, int]) -> list[int]:
    """The jobs that are meant by these, each once, in their order."""
    return list(dict.fromkeys(found.get(job_id, job_id) for job_id in job_ids))


def run_of(tx: Tx, job_id: int) -> str:
    """The run of a job that exists, as campaign/name/run."""
    return str(tx.conn.execute(_RUN, {"job": job_id}).scalar_one())


def said_columns(table: Any) -> tuple[Any, ...]:
    """What is said of a job, or of the one whose picture it has, as `said_verdict`, `said_stars` and
    `said_note`; the query joins `ORIGIN`.
    """
    names = ("verdict", "stars", "note")
    return tuple(func.coalesce(table.c[name], ORIGIN.c[name]).label(f"said_{name}") for name in names)


ORIGIN: Final = jobs.alias("origin")
"""The job whose picture a reused one has."""

_ORIGINS: Final = select(jobs.c.id, jobs.c.reused_from).where(
    jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.reused_from.is_not(None)
)
_RUN: Final = (
    select(RUN_PATH)
    .select_from(jobs)
    .join(runs, runs.c.id == jobs.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(jobs.c.id == bindparam("job"))
)
