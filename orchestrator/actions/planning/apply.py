"""Record the jobs of manifests. Spends nothing.

Everything is expanded and checked once, before the first row is written; what passed is kept in a temporary
file, so that exactly what was checked is what is inserted, whatever happens to the files of the manifest
meanwhile.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from orchestrator.actions.operator.change_jobs import drop_waiting
from orchestrator.actions.planning.live_prices import LivePrices
from orchestrator.actions.planning.manifests import check_all
from orchestrator.actions.planning.part import Part, refuse_others_beside_a_part, refuse_prune_of
from orchestrator.actions.planning.path_register import SharedPathsError
from orchestrator.actions.planning.spool import Spool
from orchestrator.actions.planning.walk import Walk
from orchestrator.manifest import Manifest
from orchestrator.store.account import rate_limits, workers
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money import budgets, quotes
from orchestrator.store.runs.new_jobs import encode
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
    renamed: list[tuple[str, str]] = field(
        default_factory=list
    )  # wanted path, given path; the first thousand


@dataclass(frozen=True, slots=True)
class Pricing:
    """The prices of what is applied."""

    prices: LivePrices = field(default_factory=LivePrices)
    drift_percent: float = 0.0  # a price that is dearer than agreed by more than this waits for a person
    shown: bool = False  # a person saw the prices and said yes


def apply(
    database: Database,
    manifests: Sequence[Manifest],
    *,
    limit: int | None = None,
    sample: int | None = None,
    checked: bool = False,
    prune: bool = False,
    alone: bool = False,
    pricing: Pricing | None = None,
) -> list[Applied]:
    """Insert what is new, manifest by manifest; raises ProblemsError or UsageError before anything is
    written.

    Rows go in by thousands, each batch durable when its transaction ends: an apply that was interrupted is
    completed by applying again. `checked` says that a plan of the same manifests has just checked the whole
    of each, and not only at the jobs that are wanted now. `prune` first cancels what waits in the run and is
    not in the manifest any more: first, so that a running worker never finds both versions of an edited
    manifest. `alone` refuses a part while other jobs of its runs wait, because its runs are to be worked on
    next. `pricing` says what live prices are known or can be asked for, without which list prices count.
    """
    part = Part(limit, sample)
    if prune:
        refuse_prune_of(part)
    if not checked and part.partial:
        check_all(manifests)
    with ExitStack() as stack:
        pricing = pricing or Pricing()
        drafts = _Checking(database, stack, pricing.prices).drafts(manifests, part)
        if alone and part.partial:
            refuse_others_beside_a_part([applied.others for applied, _ in drafts])
        pricing.prices.ask()
        return [_insert(database, applied, spool, pricing=pricing, prune=prune) for applied, spool in drafts]


class _Checking:
    """Expands every manifest and checks every job and output path: all manifests or none."""

    def __init__(self, database: Database, stack: ExitStack, prices: LivePrices) -> None:
        self._database = database
        self._prices = prices
        self._stack = stack
        self._problems: list[Problem] = []
        self._taken: list[PathConflict] = []
        self._shared: list[str] = []

    def drafts(self, manifests: Sequence[Manifest], part: Part) -> list[tuple[Applied, Spool]]:
        """What is there already, and a spool of what is not; raises with the problems of the manifests
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

    def _draft(self, manifest: Manifest, walk: Walk) -> tuple[Applied, Spool]:
        applied = Applied(manifest)
        spool = self._stack.enter_context(Spool())
        this = walk.through(manifest)
        try:
            for chunk in this.chunks():
                applied.existing += len(chunk.specs) - len(chunk.fresh)
                self._prices.note(manifest.spec.model, chunk.specs)
                applied.cost_micros += sum(spec.price_micros for spec in chunk.specs)
                self._taken += chunk.taken
                self._shared += chunk.shared
                if chunk.fresh:
                    spool.put([encode(spec) for spec in chunk.fresh])
        except ProblemsError as error:
            self._problems += error.problems
            return applied, spool
        applied.others = this.others()
        return applied, spool


def _insert(database: Database, applied: Applied, spool: Spool, *, pricing: Pricing, prune: bool) -> Applied:
    """The jobs are looked up again in the transaction that inserts them: somebody else may have been
    quicker.
    """
    with database.write() as tx:
        rate_limits.lock(tx)  # before the lanes: see `deferred_writes.LockOrder`
        run = _open_run(tx, applied.manifest)
        agreed = pricing.prices.agreed(tx, run.model, shown=pricing.shown)
        quotes.agree(tx, run.id, agreed)
        quotes.end_pause_when_agreed(tx, run.model, drift_percent=pricing.drift_percent)
    applied.run_id = run.id
    if prune:
        applied.pruned = drop_waiting(database, applied.others.ids)
    for chunk in spool.chunks():
        with database.write() as tx:
            added = add_encoded(tx, run, chunk, agreed=agreed)
            beside = workers.any_alive(tx)
        if beside:
            database.give_way()
        applied.new += added.new
        applied.existing += added.existing
        applied.renamed += added.renamed[: max(0, RENAMED_KEPT - len(applied.renamed))]
    if answers := pricing.prices.seen(run.model):
        with database.write() as tx:
            for seen in answers:
                quotes.learn(tx, seen, drift_percent=pricing.drift_percent)
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
