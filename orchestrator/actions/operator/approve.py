"""Approve a canary: the rest of its run goes on."""

from dataclasses import dataclass

from orchestrator.core.errors import UsageError
from orchestrator.store.account.acts import Signature, change_of, record
from orchestrator.store.account.subjects import subject_of
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs import gates
from orchestrator.store.views.runs.named_runs import one_run, path_of
from orchestrator.store.views.runs.overview import RunRow, runs
from orchestrator.store.views.runs.progress import pending_cost


@dataclass(frozen=True, slots=True)
class ApprovedRun:
    """What an approval did. Not `changed`: it was approved before."""

    run_id: int
    run: str  # campaign/name/run
    changed: bool
    jobs: int  # wait in it now
    images: int
    cost_micros: int
    unfinished: int  # canary jobs that were not over when it was approved


def approve(database: Database, run: str | int, signed: Signature) -> ApprovedRun:
    """Open the gate of a run, by its id or its name. Of two who approve at once, one is told that it was
    approved already. Raises UsageError for a run that has no canary.
    """
    database.require_in_place()
    with database.write() as tx:
        found = _found(tx, run)
        path = path_of(found)
        state = gates.state_of(tx, found.id)
        if not state.closed and state.approved_at is None:
            raise UsageError(
                f"Run {path} does not wait for approval: its manifest has no canary. Nothing was changed."
            )
        figures = gates.figures_of(tx, found.id, checked=False)
        changed = gates.open_gate(tx, found.id, f"approved by {signed.who}: {figures.words}")
        if changed:
            subject = subject_of(tx, "run", str(found.id))
            record(tx, signed, change_of(subject, "waits for approval", "approved"))
        jobs, images, micros = pending_cost(tx, found.id)
    return ApprovedRun(
        run_id=found.id,
        run=path,
        changed=changed,
        jobs=jobs,
        images=images,
        cost_micros=micros,
        unfinished=figures.unfinished,
    )


def _found(tx: Tx, run: str | int) -> RunRow:
    if isinstance(run, str):
        return one_run(tx, run)
    rows = runs(tx, [run])
    if not rows:
        raise UsageError("There is no such run. Nothing was changed.")
    return rows[0]
