"""Further files of a job: what rows want that ask for exactly its billed work.

A copy is an output whose index says which row asked for it. It is made of the job's own picture, which is
bought once.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from orchestrator.core.errors import UsageError
from orchestrator.core.nights import Fate
from orchestrator.core.paths import COPIES_MAX, copy_index, copy_number, name_of_later_job, path_key
from orchestrator.core.specs import RunSpec, TwinSpec
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, jobs, outputs
from orchestrator.store.runs import new_jobs, output_paths
from orchestrator.store.runs.earlier import OtherRuns
from orchestrator.store.runs.output_paths import PathConflict, PathTakenError
from orchestrator.store.runs.runs import Run, existing_ids

Wanted = tuple[str, tuple[str, ...]]
"""A row that shares a job: the job's key, and the row's own paths."""


class WantedCopies(NamedTuple):
    """What rows that share jobs would change."""

    new: int  # files that nobody has
    conflicts: list[PathConflict]  # their paths that jobs of another manifest own


def look_up_twins(
    tx: Tx, run: Run | None, owner: RunSpec, twins: Sequence[TwinSpec], *, earlier: OtherRuns | None = None
) -> WantedCopies:
    """Compare rows of `owner` that share jobs with what is stored. Writes nothing."""
    if not twins:
        return WantedCopies(0, [])
    known = existing_ids(tx, run.id, [twin.key for twin in twins]) if run else {}
    if earlier is not None:
        decided = earlier.decide(tx, [twin.key for twin in twins if twin.key not in known])
        pointing = _reused(tx, sorted(set(known.values())))
        twins = [
            twin
            for twin in twins
            if (known[twin.key] not in pointing if twin.key in known else decided[twin.key].fate is Fate.BUY)
        ]
    # A job that is new takes the paths of its first row itself.
    beside = [twin for twin in twins if twin.key in known or not twin.first]
    wanted = [path for twin in beside for path in twin.output_paths]
    new = 0
    if run is not None:
        rows = [(twin.key, twin.output_paths) for twin in twins]
        new = sum(len(found) for found in _missing(tx=tx, run=run, wanted=rows, ids=known))
    new += sum(len(twin.output_paths) for twin in beside if twin.key not in known)
    taken = output_paths.foreign(tx=tx, campaign=owner.campaign, name=owner.name, wanted=wanted)
    return WantedCopies(new, taken)


def add_copies(tx: Tx, run: Run, wanted: Sequence[Wanted]) -> int:
    """Plan the files that rows want which share jobs of the run; returns how many are new.

    Their jobs are there. Raises PathTakenError for a path of another manifest, and then plans none.
    """
    dialect.lock_inserts(tx.conn, jobs)  # paths are read first, then taken
    ids = existing_ids(tx, run.id, [key for key, _own in wanted])
    pointing = _reused(tx, sorted(set(ids.values())))
    # A row whose job earlier runs serve, or make, has no file of its own in this run.
    wanted = [each for each in wanted if each[0] in ids and ids[each[0]] not in pointing]
    paths = [path for _key, own in wanted for path in own]
    if taken := output_paths.foreign(tx=tx, campaign=run.campaign, name=run.name, wanted=paths):
        raise PathTakenError(taken)
    numbers = _highest_numbers(tx, sorted(set(ids.values())))
    rows = []
    for (key, own), missing in zip(wanted, _missing(tx=tx, run=run, wanted=wanted, ids=ids), strict=True):
        if not missing:
            continue
        number = numbers[ids[key]] = numbers[ids[key]] + 1
        if number >= COPIES_MAX:
            raise UsageError(
                f"More than {COPIES_MAX:,} rows ask for the same picture: name in the prompt what differs."
            )
        rows += [
            (
                ids[key],
                copy_index(number, index),
                path,
                path_key(path),
                OutputState.PLANNED.value,
                *new_jobs.clean_columns(path, own[index]),
                tx.now,
            )
            for index, path in missing.items()
        ]
    if not rows:
        return 0
    bulk.insert_many(conn=tx.conn, table=outputs, columns=(*new_jobs.OUTPUT_COLUMNS, "wanted_at"), rows=rows)
    return len(rows)


def _missing(tx: Tx, run: Run, wanted: Sequence[Wanted], ids: Mapping[str, int]) -> list[dict[int, str]]:
    """For each row: the paths that its job does not have, as they are given to it, by output index.

    A path that another job of the manifest has is given a suffix made from the job's key, as for a job.
    """
    paths = [path for _key, own in wanted for path in own]
    owned = set(output_paths.owners(tx, paths))
    has = output_paths.tries(tx, paths)
    found: list[dict[int, str]] = []
    for key, own in wanted:
        row: dict[int, str] = {}
        mine = ids.get(key)
        for index, path in enumerate(own):
            if mine is None or mine in has.get(path, ()):
                continue
            row[index] = name_of_later_job(path, run_key=run.run_key, job_key=key) if path in owned else path
            owned.add(path)
            has.setdefault(path, set()).add(mine)
        found.append(row)
    return found


def _reused(tx: Tx, job_ids: Sequence[int]) -> set[int]:
    return {
        job_id
        for chunk in chunks(job_ids)
        for job_id in tx.conn.execute(_POINTING, {"ids": list(chunk)}).scalars()
    }


def _highest_numbers(tx: Tx, job_ids: Sequence[int]) -> dict[int, int]:
    """The number of the last row of each job that has a copy already."""
    found = dict.fromkeys(job_ids, 0)
    for chunk in chunks(job_ids):
        for row in tx.conn.execute(_INDEXES, {"ids": chunk}):
            found[row.job_id] = max(found[row.job_id], copy_number(row.idx))
    return found


_POINTING: Final = select(jobs.c.id).where(
    jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.reused_from.is_not(None)
)
_INDEXES: Final = select(outputs.c.job_id, outputs.c.idx).where(
    outputs.c.job_id.in_(bindparam("ids", expanding=True))
)
