"""Further tries of jobs: the new jobs that are made beside theirs.

Each is of the same run, waits like any other, and knows whose try it is. Its pictures begin under names of
their own, beside the clean names of the cell, which are kept with them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.keys import redo_key
from orchestrator.core.paths import name_of_try, path_key
from orchestrator.core.specs import JobSpec
from orchestrator.core.verdicts import VerdictSource
from orchestrator.store.account import rate_limits
from orchestrator.store.account.acts import Change, Signature, record_all
from orchestrator.store.choosing import try_turns
from orchestrator.store.choosing.redo_sources import RedoSource
from orchestrator.store.db import bulk, dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, job_specs, jobs, outputs
from orchestrator.store.runs import asking_names, needs, output_paths
from orchestrator.store.runs.adding import insert_jobs
from orchestrator.store.runs.new_jobs import NewJob, encode
from orchestrator.store.runs.runs import Run, existing_ids

FIRST_TRY: Final = 2
"""The number of a cell's second try, which is the first that needs a name of its own."""


@dataclass(frozen=True, slots=True)
class WantedTry:
    """What is wanted of one job: the spec has no key, round and paths yet."""

    source: RedoSource
    spec: JobSpec
    request: str | None = None  # the same request makes one job, however often it comes
    by: VerdictSource = VerdictSource.COMMAND  # what it was asked for through


@dataclass(frozen=True, slots=True)
class RedoneJob:
    """A further try that waits now. Not `created`: the same request had made it before."""

    job_id: int
    of: int
    created: bool


def lock(tx: Tx) -> None:
    """Take what a transaction that adds tries must hold before it reads their sources and prices lanes: the
    account's row, then inserts, then lanes, as every other writer does. No other order is free of deadlocks.
    """
    rate_limits.lock(tx)
    dialect.lock_inserts(tx.conn, jobs)  # keys and paths are read first, then taken


def add_tries(
    tx: Tx, run: Run, wanted: Sequence[WantedTry], *, agreed: Mapping[str, int], signed: Signature
) -> list[RedoneJob]:
    """Insert a waiting job for each, and record who asked for it. The transaction began with `lock`, and
    their sources are locked.
    """
    keys = _keys(tx, run.id, wanted)
    known = existing_ids(tx, run.id, list(keys.values()))
    fresh = [item for item in wanted if keys[item.source.job_id] not in known]
    paths = _paths(tx, fresh)
    turns = try_turns.rounds(tx, run.id, [item.source for item in fresh])
    new = [_new_job(item, keys[item.source.job_id], turn=turns[item.source.job_id]) for item in fresh]
    ids = insert_jobs(tx, run, new, agreed=agreed) if new else ()
    made = {item.source.job_id: job_id for item, job_id in zip(fresh, ids, strict=True)}
    _add_outputs(tx, fresh, made, paths=paths)
    needs.settle_waiting(tx, [made[item.source.job_id] for item in fresh if item.spec.needs])
    asking_names.inherit(tx, made)
    whose = {item.source.job_id: item.by.value for item in fresh}
    dialect.run_many(tx.conn, _OF, [{"j_id": made[of], "v_of": of, "v_by": by} for of, by in whose.items()])
    dialect.run_many(tx.conn, _SEEN_AS, [{"j_id": made[of], "v_of": of} for of in whose])
    record_all(
        tx,
        signed,
        [Change(f"job {of}", None, f"another try, job {job_id}", job_id=of) for of, job_id in made.items()],
    )
    return [
        RedoneJob(made.get(of) or known[keys[of]], of, created=of in made)
        for of in (item.source.job_id for item in wanted)
    ]


def _keys(tx: Tx, run_id: int, wanted: Sequence[WantedTry]) -> dict[int, str]:
    """A key for each, by the id of its source: the one of its request, or one that is free."""
    numbers = Counter({row.redo_of: row.tries for row in tx.conn.execute(_COUNTS, {"ids": _ids(wanted)})})
    found: dict[int, str] = {}
    unsettled = list(wanted)
    while unsettled:
        for item in unsettled:
            of = item.source.job_id
            numbers[of] += 1
            which = f"try {numbers[of]}" if item.request is None else f"request {item.request}"
            found[of] = redo_key(item.source.key, which)
        taken = existing_ids(tx, run_id, [found[item.source.job_id] for item in unsettled])
        unsettled = [
            item for item in unsettled if item.request is None and found[item.source.job_id] in taken
        ]
    return found


def _ids(wanted: Sequence[WantedTry]) -> list[int]:
    return [item.source.job_id for item in wanted]


def _paths(tx: Tx, fresh: Sequence[WantedTry]) -> dict[int, dict[int, str]]:
    """Free paths for the pictures of each, by the id of its source and the index of the output; all of one
    job have the same number.
    """
    clean = {path: path_key(path) for item in fresh for path in item.source.clean_paths.values()}
    tries: Counter[bytes] = Counter()
    for chunk in chunks(list(clean.values())):
        tries.update(
            {bytes(row.clean_key): row.tries for row in tx.conn.execute(_SAME_CELL, {"keys": chunk})}
        )
    numbers = {
        item.source.job_id: FIRST_TRY
        + max((tries[clean[path]] for path in item.source.clean_paths.values()), default=0)
        for item in fresh
    }
    found: dict[int, dict[int, str]] = {}
    taken: set[bytes] = set()
    unsettled = list(fresh)
    while unsettled:
        tried = {item.source.job_id: _named(item.source, numbers[item.source.job_id]) for item in unsettled}
        owned = output_paths.owners(tx, [path for named in tried.values() for path in named.values()])
        left = []
        for item in unsettled:
            of = item.source.job_id
            mine = {path_key(path) for path in tried[of].values()}
            if taken & mine or any(path in owned for path in tried[of].values()):
                numbers[of] += 1
                left.append(item)
            else:
                taken |= mine
                found[of] = tried[of]
        unsettled = left
    return found


def _named(source: RedoSource, number: int) -> dict[int, str]:
    return {index: name_of_try(path, number=number) for index, path in source.clean_paths.items()}


def _new_job(item: WantedTry, key: str, *, turn: int) -> NewJob:
    """Its outputs are added by themselves, with their clean names."""
    return encode(replace(item.spec, key=key, output_paths=(), round=turn))


def _add_outputs(
    tx: Tx, fresh: Sequence[WantedTry], made: Mapping[int, int], *, paths: Mapping[int, Mapping[int, str]]
) -> None:
    rows = [
        (
            made[of],
            index,
            path,
            path_key(path),
            OutputState.PLANNED.value,
            clean[index],
            path_key(clean[index]),
        )
        for item in fresh
        for of, clean in [(item.source.job_id, item.source.clean_paths)]
        for index, path in paths[of].items()
    ]
    if rows:
        bulk.insert_many(conn=tx.conn, table=outputs, columns=_OUTPUT_COLUMNS, rows=rows)


_OUTPUT_COLUMNS: Final = ("job_id", "idx", "path", "path_key", "state", "clean_path", "clean_key")
_COUNTS: Final = (
    select(jobs.c.redo_of, func.count().label("tries"))
    .where(jobs.c.redo_of.in_(bindparam("ids", expanding=True)))
    .group_by(jobs.c.redo_of)
)
_SAME_CELL: Final = (
    select(outputs.c.clean_key, func.count().label("tries"))
    .where(outputs.c.clean_key.in_(bindparam("keys", expanding=True)))
    .group_by(outputs.c.clean_key)
)
_SOURCE: Final = jobs.alias()
_OF: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"))
    .values(
        redo_of=bindparam("v_of"),
        redo_by=bindparam("v_by"),
        # A further try of what is looked at first is looked at first too.
        canary=select(_SOURCE.c.canary).where(_SOURCE.c.id == bindparam("v_of")).scalar_subquery(),
    )
)
_FIRST: Final = job_specs.alias()
_SEEN_AS: Final = (
    # What its https inputs were: without it, a later night could not tell that one of them is another.
    update(job_specs)
    .where(job_specs.c.job_id == bindparam("j_id"))
    .values(
        seen_urls=select(_FIRST.c.seen_urls).where(_FIRST.c.job_id == bindparam("v_of")).scalar_subquery()
    )
)
