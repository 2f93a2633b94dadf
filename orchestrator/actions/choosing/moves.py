"""Giving pictures the names that were decided, without a worker: after a verdict, or when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.ports import Crashpoint, Mover, StableNames, no_crash
from orchestrator.store.choosing import cells
from orchestrator.store.choosing.carrying_out import carry_out
from orchestrator.store.db.database import Database
from orchestrator.store.db.group_commit import InlineWriter
from orchestrator.store.runs.switching import switch_names

CELLS: int = 200
"""Cells whose moves are decided in one transaction."""


@dataclass(slots=True)
class Performed:
    """What has moved, and what waits for a worker."""

    moved: dict[tuple[int, int], str] = field(
        default_factory=dict
    )  # job and index -> where the picture lies now
    aside: list[tuple[str, str]] = field(
        default_factory=list
    )  # files of somebody else: their names, the new ones
    waiting: int = 0  # cells whose files are not here, or cannot be moved now
    troubles: list[str] = field(default_factory=list)


async def perform(
    database: Database,
    mover: Mover,
    *,
    names: StableNames | None = None,
    job_ids: Sequence[int] | None = None,
    crashpoint: Crashpoint = no_crash,
) -> Performed:
    """Move what is to be moved of these jobs' cells, or of all; what is left, a worker tries again."""
    done = Performed()
    keys = _keys(database, job_ids)
    writer = InlineWriter(database)
    for start in range(0, len(keys), CELLS):
        chunk = keys[start : start + CELLS]
        came = await carry_out(chunk, write=writer.submit, mover=mover, crashpoint=crashpoint)
        done.waiting += len(chunk) if came.busy else len(came.left)
        done.troubles += [words for words in came.left.values() if words]
        for moved in came.moved:
            done.moved.update(moved.places)
            done.aside += moved.aside
    if names is not None:
        await _switch(database, mover, names=names, done=done)
    return done


async def _switch(database: Database, mover: Mover, *, names: StableNames, done: Performed) -> None:
    """Stable names follow; those of other manifests too, which costs a look where nothing is to do."""
    passed_over: set[bytes] = set()
    while True:
        came = await switch_names(
            database,
            names,
            mover,
            write=InlineWriter(database).submit,
            most=CELLS,
            passed_over=passed_over,
        )
        if not came:
            return
        for each in came:
            if each.done.trouble:
                passed_over.add(each.name.key)
                done.waiting += 1
                done.troubles.append(each.done.trouble)


def _keys(database: Database, job_ids: Sequence[int] | None) -> list[bytes]:
    with database.read() as tx:
        moving = cells.keys_of_moving(tx)
        if job_ids is None:
            return moving
        wanted = set(cells.keys_of_jobs(tx, job_ids))
    return [key for key in moving if key in wanted]
