"""Record the jobs of manifests. Spends nothing.

Everything is expanded and checked once, before the first row is written; what passed is kept in a temporary
file, so that exactly what was checked is what is inserted, whatever happens to the files of the manifest
meanwhile.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from orchestrator.actions.operator.change_jobs import drop_waiting
from orchestrator.actions.planning.manifests import check_all
from orchestrator.actions.planning.part import Part, refuse_others_beside_a_part, refuse_prune_of
from orchestrator.actions.planning.path_register import SharedPathsError
from orchestrator.actions.planning.spool import Spool
from orchestrator.actions.planning.walk import Walk
from orchestrator.manifest import Manifest
from orchestrator.store.account import workers
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money import budgets
from orchestrator.store.runs.copies import add_copies
from orchestrator.store.runs.new_jobs import NewJob, encode
from orchestrator.store.runs.output_paths import PathConflict, PathTakenError
from orchestrator.store.runs.runs import Run, add_encoded, ensure_run
from orchestrator.store.runs.unrequested import Unrequested
from orchestrator.yamlio import Problem, ProblemsError

RENAMED_KEPT: Final = 1_000


@dataclass(slots=True)
class Applied:
    """What one manifest added."""

    manifest: Manifest
    run_id: int = 0
    new: int = 0
    existing: int = 0
    cost_micros: int = 0  # of all its jobs, new or not
    others: Unrequested = field(
        default_factory=Unrequested
    )  # waited in the run and are not asked for (any more)
    pruned: int = 0  # as many of the others were cancelled
    copies: int = 0  # further files that are made of pictures that are paid once
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
    prune: bool = False,
    alone: bool = False,
) -> list[Applied]:
    """Insert what is new, manifest by manifest; raises ProblemsError or UsageError before anything is
    written.

    Rows go in by thousands, each batch durable when its transaction ends: an apply that was interrupted is
    completed by applying again. `checked` says that a plan of the same manifests has just checked the whole
    of each, and not only at the jobs that are wanted now. `prune` first cancels what waits in the run and is
    not in the manifest any more: first, so that a running worker never finds both versions of an edited
    manifest. `alone` refuses a part while other jobs of its runs wait, because its runs are to be worked on
    next.
    """
    part = Part(limit, sample)
    if prune:
        refuse_prune_of(part)
    if not checked and part.partial:
        check_all(manifests)
    with ExitStack() as stack:
        drafts = _Checking(database, stack).drafts(manifests, part)
        if alone and part.partial:
            refuse_others_beside_a_part([draft.applied.others for draft in drafts])
        return [_insert(database, draft, prune=prune) for draft in drafts]


class _Draft(NamedTuple):
    """What is to be inserted for one manifest."""

    applied: Applied
    jobs: Spool
    twins: Spool


class _Checking:
    """Expands every manifest and checks every job and output path: all manifests or none."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self._database = database
        self._stack = stack
        self._problems: list[Problem] = []
        self._taken: list[PathConflict] = []
        self._shared: list[str] = []

    def drafts(self, manifests: Sequence[Manifest], part: Part) -> list[_Draft]:
        """What is there already, and spools of what is not; raises with the problems of the manifests
        first.
        """
        walk = Walk(self._database.read, part, several=len(manifests) > 1)
        drafts = [self._draft(manifest, walk) for manifest in manifests]
        if self._problems:
            raise ProblemsError(self._problems)
        if self._taken:
            raise PathTakenError(self._taken)
        if self._shared:
            raise SharedPathsError(self._shared)
        return drafts

    def _draft(self, manifest: Manifest, walk: Walk) -> _Draft:
        applied = Applied(manifest)
        draft = _Draft(applied, self._stack.enter_context(Spool()), self._stack.enter_context(Spool()))
        this = walk.through(manifest)
        try:
            for chunk in this.chunks():
                applied.existing += len(chunk.specs) - len(chunk.fresh)
                applied.cost_micros += sum(spec.price_micros for spec in chunk.specs)
                self._taken += chunk.taken
                self._shared += chunk.shared
                if chunk.fresh:
                    draft.jobs.put([encode(spec) for spec in chunk.fresh])
                if chunk.twins:
                    draft.twins.put([(twin.key, twin.output_paths) for twin in chunk.twins])
        except ProblemsError as error:
            self._problems += error.problems
            return draft
        applied.others = this.others()
        return draft


def _insert(database: Database, draft: _Draft, *, prune: bool) -> Applied:
    """The jobs are looked up again in the transaction that inserts them: somebody else may have been
    quicker.
    """
    applied = draft.applied
    with database.write() as tx:
        run = _open_run(tx, applied.manifest)
    applied.run_id = run.id
    if prune:
        applied.pruned = drop_waiting(database, applied.others.ids)
    for chunk in draft.jobs.chunks():
        with database.write() as tx:
            added = add_encoded(tx, run, [NewJob._make(job) for job in chunk])
            beside = workers.any_alive(tx)
        if beside:
            database.give_way()
        applied.new += added.new
        applied.existing += added.existing
        applied.renamed += added.renamed[: max(0, RENAMED_KEPT - len(applied.renamed))]
    for chunk in draft.twins.chunks():
        with database.write() as tx:
            applied.copies += add_copies(tx, run, chunk)
    return applied


def _open_run(tx: Tx, manifest: Manifest) -> Run:
    run = ensure_run(tx, manifest.spec)
    budgets.declare(
        tx=tx,
        scope=Scope.RUN,
        scope_id=run.id,
        window=Window.TOTAL,
        cap_micros=manifest.spec.budget_micros,
        source="manifest",
    )
    return run
