"""Record the jobs of manifests. Spends nothing.

Everything is expanded and checked once, before the first row is written; what passed is kept in a temporary
file, so that exactly what was checked is what is inserted, whatever happens to the files of the manifest
meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from orchestrator.actions.operator.change_jobs import drop_waiting
from orchestrator.actions.operator.fleet_words import FileWords, FleetDifference, run_caps, take_words
from orchestrator.actions.planning.canary import CanaryPick
from orchestrator.actions.planning.found_pictures import FoundPictures, refuse
from orchestrator.actions.planning.live_prices import LivePrices
from orchestrator.actions.planning.manifests import check_all
from orchestrator.actions.planning.part import WHOLE, Part, refuse_prune_of
from orchestrator.actions.planning.path_register import SharedPathsError
from orchestrator.actions.planning.spool import Spool
from orchestrator.actions.planning.walk import Walk
from orchestrator.manifest import Manifest
from orchestrator.ports import Shelf
from orchestrator.store.account import rate_limits, workers
from orchestrator.store.account.acts import Signature
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database
from orchestrator.store.money import budgets, quotes
from orchestrator.store.runs.copies import add_copies
from orchestrator.store.runs.new_jobs import NewJob, encode
from orchestrator.store.runs.output_paths import PathConflict, PathTakenError
from orchestrator.store.runs.runs import Run, add_encoded, ensure_run
from orchestrator.store.runs.unrequested import Unrequested
from orchestrator.yamlio import Problem, ProblemsError

RENAMED_KEPT: Final = 1_000
NOBODY: Final = Signature("unknown", "unknown", "apply")


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
    keys: list[str] = field(default_factory=list)  # of all its jobs, where a part is asked for
    pruned: int = 0  # as many of the others were cancelled
    copies: int = 0  # further files that are made of pictures that are paid once
    renamed: list[tuple[str, str]] = field(
        default_factory=list
    )  # wanted path, given path; the first thousand


def _say_nothing(_: Sequence[FleetDifference]) -> None:
    """For callers who show nothing."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How words on caps and limits come in with the jobs: whose they are (None: those of the manifests
    alone), who brings them, which looser ones a person agreed to, and who hears what was different.
    """

    words: FileWords | None = None
    signed: Signature = NOBODY
    raised: frozenset[object] = frozenset()
    tell: Callable[[Sequence[FleetDifference]], None] = _say_nothing


NOTHING: Final = Taking()


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
    part: Part = WHOLE,
    checked: bool = False,
    prune: Signature | None = None,
    shelf: Shelf | None = None,
    taking: Taking = NOTHING,
    pricing: Pricing | None = None,
) -> list[Applied]:
    """Insert what is new, manifest by manifest; raises ProblemsError or UsageError before anything is
    written.

    Rows go in by thousands, each batch durable when its transaction ends: an apply that was interrupted
    is completed by applying again. `checked` says that a plan of the same manifests has just checked the
    whole of each, and not only at the jobs that are wanted now. `prune`, signed by who wants it, first
    cancels what waits in the run and is not in the manifest any more: first, so that a running worker
    never finds both versions of an edited manifest. With a `shelf`, PicturesHereError is raised for new
    jobs whose pictures are there already: without one, a person has said that they are to be bought
    again. Words on caps and limits are taken when everything is checked, before the first job is there.
    `pricing` says what live prices are known or can be asked for, without which list prices count.
    """
    if prune:
        refuse_prune_of(part)
    if not checked and part.partial:
        check_all(manifests)
    with ExitStack() as stack:
        pricing = pricing or Pricing()
        drafts = _Checking(database, stack, pricing.prices, shelf=shelf).drafts(manifests, part)
        pricing.prices.ask()
        if taking.words is not None:
            found = take_words(database, taking.words, taking.signed, raised=taking.raised)
            taking.tell(found)
        inserting = _Inserting(database, pricing, taking, prune=prune)
        return [inserting.insert(draft) for draft in drafts]


class _Draft(NamedTuple):
    """What is to be inserted for one manifest."""

    applied: Applied
    jobs: Spool
    twins: Spool
    canary: CanaryPick


class _Checking:
    """Expands every manifest and checks every job and output path: all manifests or none."""

    def __init__(
        self, database: Database, stack: ExitStack, prices: LivePrices, *, shelf: Shelf | None
    ) -> None:
        self._database = database
        self._prices = prices
        self._shelf = shelf
        self._found = FoundPictures()
        self._images = 0
        self._stack = stack
        self._problems: list[Problem] = []
        self._taken: list[PathConflict] = []
        self._shared: list[str] = []

    def drafts(self, manifests: Sequence[Manifest], part: Part) -> list[_Draft]:
        """What is there already, and spools of what is not; problems of manifests are raised first."""
        walk = Walk(self._database.read, part, several=len(manifests) > 1, shelf=self._shelf)
        drafts = [self._draft(manifest, walk) for manifest in manifests]
        if self._problems:
            raise ProblemsError(self._problems)
        if self._taken:
            raise PathTakenError(self._taken)
        if self._shared:
            raise SharedPathsError(self._shared)
        if self._found.jobs:
            with self._database.read() as tx:
                refuse(self._found, self._images, identity.database_id(tx))
        return drafts

    def _draft(self, manifest: Manifest, walk: Walk) -> _Draft:
        applied = Applied(manifest)
        this = walk.through(manifest)
        canary = CanaryPick(self._database, manifest, this.run, partial=this.partial)
        jobs, twins = self._stack.enter_context(Spool()), self._stack.enter_context(Spool())
        draft = _Draft(applied, jobs, twins, canary=canary)
        try:
            for chunk in this.chunks():
                applied.existing += len(chunk.specs) - len(chunk.fresh)
                self._prices.note(manifest.spec.model, chunk.specs)
                applied.cost_micros += sum(spec.price_micros for spec in chunk.specs)
                if this.partial:
                    applied.keys += [spec.key for spec in chunk.specs]
                self._found.add(chunk.found)
                self._images += sum(spec.images for spec in chunk.specs)
                canary.see(chunk)
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


@dataclass(frozen=True, slots=True)
class _Inserting:
    """Writes checked jobs, with the caps and the prices that they come with."""

    database: Database
    pricing: Pricing
    taking: Taking
    prune: Signature | None

    def insert(self, draft: _Draft) -> Applied:
        """Each job is looked up again in the transaction that inserts it: somebody else may be quicker."""
        applied = draft.applied
        draft.canary.close_of_existing(self.database)
        with self.database.write() as tx:
            rate_limits.lock(tx)  # before the lanes: see `deferred_writes.LockOrder`
            run = ensure_run(tx, applied.manifest.spec)
            draft.canary.close_of_new(tx, run.id)
            caps = run_caps([applied.manifest.spec])
            found = budgets.take(tx, caps, self.taking.signed, raised=self.taking.raised)
            agreed = self.pricing.prices.agreed(tx, run.model, shown=self.pricing.shown)
            quotes.agree(tx, run.id, agreed)
            quotes.end_pause_when_agreed(tx, run.model, drift_percent=self.pricing.drift_percent)
        if self.taking.words is not None:
            self.taking.tell(self.taking.words.described(found, raised=self.taking.raised))
        applied.run_id = run.id
        if self.prune:
            applied.pruned = drop_waiting(self.database, applied.others.ids, self.prune)
        for chunk in draft.jobs.chunks():
            self._add(draft, run, [NewJob._make(job) for job in chunk], agreed=agreed)
        for chunk in draft.twins.chunks():
            with self.database.write() as tx:
                applied.copies += add_copies(tx, run, chunk)
        self._keep_answers(run.model)
        return applied

    def _add(self, draft: _Draft, run: Run, chunk: Sequence[NewJob], *, agreed: Mapping[str, int]) -> None:
        applied = draft.applied
        self.database.require_in_place()
        with self.database.write() as tx:
            added = add_encoded(tx, run, chunk, agreed=agreed)
            draft.canary.mark(tx, run.id, chunk)
            beside = workers.any_alive(tx)
        if beside:
            self.database.give_way()
        applied.new += added.new
        applied.existing += added.existing
        applied.renamed += added.renamed[: max(0, RENAMED_KEPT - len(applied.renamed))]

    def _keep_answers(self, model: str) -> None:
        """What the provider said of its prices is known to everybody from now on."""
        if answers := self.pricing.prices.seen(model):
            with self.database.write() as tx:
                for seen in answers:
                    quotes.learn(tx, seen, drift_percent=self.pricing.drift_percent)
