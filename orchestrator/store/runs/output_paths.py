"""Output paths: each has one owner among all manifests and runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from orchestrator.core.errors import UsageError
from orchestrator.core.paths import name_of_later_job, path_key
from orchestrator.store.db import bulk
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, jobs, outputs, runs
from orchestrator.store.runs.new_jobs import NewJob

CONFLICTS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class PathConflict:
    """An output path that a job of another manifest owns."""

    path: str
    campaign: str
    name: str
    run_key: str
    job_id: int


class PathTakenError(UsageError):
    """Output paths of this manifest belong to jobs of another one."""

    def __init__(self, conflicts: Sequence[PathConflict]) -> None:
        self.conflicts = tuple(conflicts)
        shown = "\n".join(
            f"  {c.path}  is owned by job {c.job_id} of {c.campaign}/{c.name}, run {c.run_key}"
            for c in conflicts[:CONFLICTS_SHOWN]
        )
        more = (
            f"\n  ... and {len(conflicts) - CONFLICTS_SHOWN} more" if len(conflicts) > CONFLICTS_SHOWN else ""
        )
        super().__init__(
            f"{len(conflicts)} output path(s) belong to another manifest's jobs; nothing is ever "
            "overwritten:\n"
            f"{shown}{more}\nChange `output:` so that it names this manifest, for example with "
            f"{{{{ name }}}}."
        )


def foreign(tx: Tx, campaign: str, name: str, wanted: Sequence[str]) -> list[PathConflict]:
    """Which of these paths belong to jobs of another manifest than `campaign`/`name`."""
    return _foreign(campaign=campaign, name=name, wanted=wanted, owned=owners(tx, wanted))


@dataclass(frozen=True, slots=True)
class PathOwner:
    """Whose an output path is."""

    campaign: str
    name: str
    run_key: str
    job_id: int


def owners(tx: Tx, wanted: Sequence[str]) -> dict[str, PathOwner]:
    """The owner of each path that has one."""
    by_key = {path_key(path): path for path in wanted}
    taken = [bytes(key) for (key,) in bulk.lookup(tx.conn, _TAKEN, list(by_key))]
    found: dict[str, PathOwner] = {}
    for chunk in chunks(taken):
        for row in tx.conn.execute(_OWNERS, {"keys": chunk}):
            found[by_key[row.path_key]] = PathOwner(
                campaign=row.campaign, name=row.name, run_key=row.run_key, job_id=row.job_id
            )
    return found


def tries(tx: Tx, wanted: Sequence[str]) -> dict[str, set[int]]:
    """The jobs that have an output in the cell of each of these clean names."""
    by_key = {path_key(path): path for path in wanted}
    found: dict[str, set[int]] = {}
    for query in (_HOLDERS, _LATER):
        for key, job_id in bulk.lookup(tx.conn, query, list(by_key)):
            found.setdefault(by_key[bytes(key)], set()).add(job_id)
    return found


def _foreign(
    campaign: str, name: str, wanted: Sequence[str], owned: Mapping[str, PathOwner]
) -> list[PathConflict]:
    if not owned:
        return []
    return [
        PathConflict(
            path=path, campaign=owner.campaign, name=owner.name, run_key=owner.run_key, job_id=owner.job_id
        )
        for path in wanted
        if (owner := owned.get(path)) and (owner.campaign, owner.name) != (campaign, name)
    ]


def assign(
    tx: Tx, campaign: str, name: str, run_key: str, jobs_to_be: Sequence[NewJob]
) -> tuple[Sequence[NewJob], list[tuple[str, str]]]:
    """New jobs with their final paths, and which paths had to be renamed (wanted, given).

    Raises PathTakenError for a path of another manifest. Where an earlier job of the same manifest owns the
    path (an edited prompt, another run key), the new job is a further try of that cell: it begins under a
    name of its own, with a suffix made from it, and takes the clean name once its picture is stored
    (`store/choosing/moves.py`).
    """
    wanted = [path for job in jobs_to_be for path in job.paths]
    owned = owners(tx, wanted)
    if taken := _foreign(campaign=campaign, name=name, wanted=wanted, owned=owned):
        raise PathTakenError(taken)
    if not owned:
        return jobs_to_be, []
    renamed: list[tuple[str, str]] = []
    assigned: list[NewJob] = []
    for job in jobs_to_be:
        given = tuple(
            name_of_later_job(path, run_key=run_key, job_key=job.key) if path in owned else path
            for path in job.paths
        )
        renamed += [(path, own) for path, own in zip(job.paths, given, strict=True) if own != path]
        assigned.append(job._replace(paths=given, clean_paths=job.paths))
    return assigned, renamed


_TAKEN: Final = "SELECT path_key FROM outputs WHERE path_key {any}"
_HOLDERS: Final = "SELECT path_key, job_id FROM outputs WHERE clean_key IS NULL AND path_key {any}"
_LATER: Final = "SELECT clean_key, job_id FROM outputs WHERE clean_key {any}"
_OWNERS: Final = (
    select(
        outputs.c.path_key,
        outputs.c.job_id,
        runs.c.name,
        runs.c.run_key,
        campaigns.c.name.label("campaign"),
    )
    .join_from(outputs, jobs)
    .join(runs)
    .join(campaigns)
    .where(outputs.c.path_key.in_(bindparam("keys", expanding=True)))
)
