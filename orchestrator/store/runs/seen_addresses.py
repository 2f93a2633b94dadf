"""What https inputs served when a picture was made, beside what they serve now.

The answer that counts is the one that is recorded with the job that made the picture. Where that had none (it
is older than such answers, or the host was silent), the first one counts that a later run has found: a row
that reuses the picture keeps what counts so far, so the newest such row knows all of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import bindparam, null, select

from orchestrator.core.nights import NOTHING, Past
from orchestrator.core.url_inputs import GONE, Seen, other_urls
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs

NIGHTS_BACK: Final = 7
"""So many runs are read for a row that reuses a picture: one asks for it nearly always, and each costs a
lookup."""


def compared(
    tx: Tx,
    run_ids: Sequence[int],
    pasts: Mapping[str, Past],
    *,
    seen: Mapping[str, Seen],
    always: bool = False,
) -> tuple[dict[str, Past], dict[str, Seen]]:
    """The pasts of jobs with what their https inputs say, and what counts for the picture of each. `seen` is
    what they serve now, by job key; `run_ids` are the other runs, newest first. `always` marks each job that
    has https inputs, whatever they serve.
    """
    counting = _counting(tx, run_ids, pasts, seen=seen)
    found = dict(pasts)
    for key, now in seen.items():
        gone, differs = GONE in now.values(), bool(other_urls(counting.get(key, {}), now))
        if gone or differs or always:  # most are neither, and there may be a million
            past = pasts.get(key, NOTHING)
            found[key] = replace(past, by_address=True, gone=gone, differs=differs)
    return found, counting


def _counting(
    tx: Tx, run_ids: Sequence[int], pasts: Mapping[str, Past], *, seen: Mapping[str, Seen]
) -> dict[str, Seen]:
    """What the https inputs served that each picture was made from, by job key."""
    made = {key: past.made.job_id for key in seen if (past := pasts.get(key)) and past.made}
    of_job = dict(_rows(tx, _SEEN, list(made.values())))
    counting: dict[str, Seen] = {key: of_job.get(job_id, {}) for key, job_id in made.items()}
    unknown = {key for key in made if seen[key].keys() - counting[key].keys()}
    for run_id in run_ids[:NIGHTS_BACK] if unknown else ():
        for key, told in list(_reused(tx, run_id, made, keys=sorted(unknown))):
            counting[key] = {**told, **counting[key]}
            unknown.discard(key)
    return counting


def _reused(
    tx: Tx, run_id: int, made: Mapping[str, int], *, keys: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """What a run recorded with the rows that have these same pictures, by job key."""
    for chunk in chunks(keys):
        for row in tx.conn.execute(_REUSED, {"run": run_id, "keys": list(chunk)}):
            if row.reused_from == made[row.key]:
                yield row.key, row.seen_urls


def _rows(tx: Tx, statement: Any, ids: Sequence[int]) -> Iterator[tuple[int, dict[str, str]]]:
    for chunk in chunks(sorted(set(ids))):
        yield from ((row.job_id, row.seen_urls) for row in tx.conn.execute(statement, {"ids": list(chunk)}))


_SEEN: Final = select(job_specs.c.job_id, job_specs.c.seen_urls).where(
    job_specs.c.job_id.in_(bindparam("ids", expanding=True)), job_specs.c.seen_urls.is_not(null())
)
_REUSED: Final = (
    select(jobs.c.key, jobs.c.reused_from, job_specs.c.seen_urls)
    .join_from(jobs, job_specs, job_specs.c.job_id == jobs.c.id)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.key.in_(bindparam("keys", expanding=True)),
        jobs.c.reused_from.is_not(None),
        job_specs.c.seen_urls.is_not(null()),
    )
)
