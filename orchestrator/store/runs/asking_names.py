"""Stable names that runs ask for, and those that nobody asks for any more; see `stable_names`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import bindparam, case, select, update

from orchestrator.core.errors import UsageError
from orchestrator.core.paths import path_key
from orchestrator.core.states import JobState
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, jobs, stable_names, stable_tries
from orchestrator.store.runs.stable_names import INDEX


def ask(tx: Tx, owner: tuple[int, int, str], wanted: Iterable[tuple[str, ...]]) -> None:
    """Names that a run, by its id, its campaign's and its name, asks for. Raises UsageError for a name of
    another manifest. They are locked before lanes, as by whoever marks them when an attempt ends.
    """
    run_id, campaign_id, name = owner
    named = {path_key(path): path for paths in wanted for path in paths}
    if not named:
        return
    _refuse_foreign(tx, named, (campaign_id, name))
    own = {"campaign_id": campaign_id, "name": name, "run_id": run_id, "dirty_at": tx.now}
    statement = dialect.insert(tx.conn, stable_names)
    again = {"run_id": _later(statement.excluded.run_id), "retired": False, "dirty_at": tx.now}
    tx.conn.execute(
        statement.on_conflict_do_update(index_elements=["path_key"], set_=again),
        [{"path_key": key, "path": path, **own} for key, path in sorted(named.items())],
    )


def try_with(tx: Tx, run_id: int, wanted: Iterable[tuple[int, tuple[str, ...]]]) -> None:
    """The jobs that have, or will have, the pictures of names that the run asks for."""
    rows = [
        {"path_key": path_key(path), "job_id": job_id, "idx": index, "run_id": run_id}
        for job_id, paths in wanted
        for index, path in enumerate(paths)
    ]
    if not rows:
        return
    statement = dialect.insert(tx.conn, stable_tries)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["path_key", "job_id"], set_={"run_id": statement.excluded.run_id}
        ),
        rows,
    )


def ask_for_index(tx: Tx, owner: tuple[int, int, str], path: str) -> None:
    """The list of a manifest's names, as one run has it. Names that switch ask for it to be written; where
    nothing is to be made none may switch, and it is due by itself.
    """
    run_id, campaign_id, name = owner
    is_at_work = tx.conn.execute(_IS_AT_WORK, {"run": run_id}).first() is not None
    row = {"path_key": path_key(path), "path": path, "campaign_id": campaign_id, "name": name}
    row |= {"run_id": run_id, "idx": INDEX, "dirty_at": None if is_at_work else tx.now}
    tx.conn.execute(dialect.insert_or_ignore(tx.conn, stable_names), row)


def retire(tx: Tx, owner: tuple[int, int, str]) -> int:
    """Take away the names that an earlier run of the manifest asked for and this one, which has asked for all
    that it wants, does not; returns how many.
    """
    run_id, campaign_id, name = owner
    values = {"v_now": tx.now, "n_campaign": campaign_id, "n_name": name, "n_run": run_id}
    return tx.conn.execute(_RETIRE, values).rowcount


def inherit(tx: Tx, made: Mapping[int, int]) -> None:
    """Further tries may have the names of what they are tries of; `made` has their ids by those of these."""
    for chunk in chunks(list(made)):
        rows = tx.conn.execute(_TRIES_OF, {"ids": list(chunk)}).all()
        if rows:
            tx.conn.execute(
                stable_tries.insert(),
                [
                    {
                        "path_key": row.path_key,
                        "job_id": made[row.job_id],
                        "idx": row.idx,
                        "run_id": row.run_id,
                    }
                    for row in rows
                ],
            )


def _later(asking: Any) -> Any:
    """An earlier run that is applied again does not become the last one that asked."""
    return case((stable_names.c.run_id > asking, stable_names.c.run_id), else_=asking)


def _refuse_foreign(tx: Tx, wanted: Mapping[bytes, str], owner: tuple[int, str]) -> None:
    for chunk in chunks(sorted(wanted)):
        for row in tx.conn.execute(_OWNERS, {"keys": list(chunk)}):
            if (row.campaign_id, row.name) != owner:
                raise UsageError(
                    f"The stable name {row.path} belongs to {row.campaign}/{row.name}. Change `latest:` so "
                    "that it names this manifest, for example with {{ name }}."
                )


_IS_AT_WORK: Final = (
    select(jobs.c.id)
    .where(
        jobs.c.run_id == bindparam("run"), jobs.c.state.in_([JobState.PENDING.value, JobState.RUNNING.value])
    )
    .limit(1)
)
_RETIRE: Final = (
    update(stable_names)
    .where(
        stable_names.c.campaign_id == bindparam("n_campaign"),
        stable_names.c.name == bindparam("n_name"),
        stable_names.c.run_id < bindparam("n_run"),
        stable_names.c.idx.is_distinct_from(INDEX),
        ~stable_names.c.retired,
    )
    .values(retired=True, dirty_at=bindparam("v_now"))
)
_TRIES_OF: Final = select(stable_tries).where(stable_tries.c.job_id.in_(bindparam("ids", expanding=True)))
_OWNERS: Final = (
    select(
        stable_names.c.path,
        stable_names.c.campaign_id,
        stable_names.c.name,
        campaigns.c.name.label("campaign"),
    )
    .join_from(stable_names, campaigns)
    .where(stable_names.c.path_key.in_(bindparam("keys", expanding=True)))
)
