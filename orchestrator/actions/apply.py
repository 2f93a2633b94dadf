"""Record the jobs of manifests. Spends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.actions.manifests import check_all, chunks
from orchestrator.actions.paths import PathRegister, SharedPathsError
from orchestrator.manifest import Manifest
from orchestrator.store import budgets
from orchestrator.store.database import Database, Tx
from orchestrator.store.paths import PathConflict, PathTakenError
from orchestrator.store.runs import (
    Run,
    add_jobs,
    ensure_run,
    find_run,
    path_conflicts,
)
from orchestrator.store.schema import Scope, Window
from orchestrator.yamlio import Problem, ProblemsError

ROWS_PER_TRANSACTION = 5_000
RENAMED_KEPT = 1_000


@dataclass(slots=True)
class Applied:
    """What one manifest added."""

    manifest: Manifest
    run_id: int = 0
    new: int = 0
    existing: int = 0
    cost_micros: int = 0  # of all its jobs, new or not
    renamed: list[tuple[str, str]] = field(
        default_factory=list
    )  # wanted path, given path; the first thousand


def apply(
    database: Database,
    manifests: Sequence[Manifest],
    *,
    limit: int | None = None,
    sample: int | None = None,
    checked: bool = False,
) -> list[Applied]:
    """Insert what is new, manifest by manifest; raises ProblemsError or UsageError before anything is written.

    Rows go in by thousands, each batch durable when its transaction ends: an apply that was interrupted is completed
    by applying again. `checked` says that a plan of the same manifests was just made without conflicts.
    """
    if not checked:
        if limit is not None or sample is not None:
            check_all(manifests)  # the whole of each manifest, not only the jobs that are wanted now
        _refuse_conflicts(database, manifests, limit, sample)
    return [_apply_one(database, manifest, limit, sample) for manifest in manifests]


def _apply_one(database: Database, manifest: Manifest, limit: int | None, sample: int | None) -> Applied:
    applied = Applied(manifest)
    with database.write() as tx:
        run = _open_run(tx, manifest)
    applied.run_id = run.id
    for chunk in chunks(manifest.jobs(limit=limit, sample=sample), ROWS_PER_TRANSACTION):
        with database.write() as tx:
            added = add_jobs(tx, run, chunk)
        applied.new += added.new
        applied.existing += added.existing
        applied.cost_micros += sum(spec.price_micros for spec in chunk)
        applied.renamed += added.renamed[: max(0, RENAMED_KEPT - len(applied.renamed))]
    return applied


def _open_run(tx: Tx, manifest: Manifest) -> Run:
    run = ensure_run(tx, manifest.spec)
    budgets.declare(tx, Scope.RUN, run.id, Window.TOTAL, manifest.spec.budget_micros, "manifest")
    return run


def _refuse_conflicts(
    database: Database, manifests: Sequence[Manifest], limit: int | None, sample: int | None
) -> None:
    """Expand everything and look at every output path before the first row is written: all manifests or none.

    Problems of the manifests themselves come first, all together; one pass finds both.
    """
    register = PathRegister() if len(manifests) > 1 else None
    problems: list[Problem] = []
    shared: list[str] = []
    taken: list[PathConflict] = []
    with database.read() as tx:
        for manifest in manifests:
            spec = manifest.spec
            run = find_run(tx, spec.campaign, spec.name, spec.run_key)
            try:
                for chunk in chunks(manifest.jobs(limit=limit, sample=sample), ROWS_PER_TRANSACTION):
                    taken += path_conflicts(tx, run, spec.campaign, spec.name, chunk)
                    shared += register.claim(spec, chunk) if register else []
            except ProblemsError as error:
                problems += error.problems
    if problems:
        raise ProblemsError(problems)
    if taken:
        raise PathTakenError(taken)
    if shared:
        raise SharedPathsError(shared)
