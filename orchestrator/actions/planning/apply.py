"""Record the jobs of manifests. Spends nothing.

Everything is expanded and checked once, before the first row is written; what passed is kept in a temporary
file, so that exactly what was checked is what is inserted, whatever happens to the files of the manifest
meanwhile.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from orchestrator.actions.operator.fleet_words import take_words
from orchestrator.actions.planning.figures.canary import CanaryPick
from orchestrator.actions.planning.prices.live_prices import LivePrices
from orchestrator.actions.planning.walking.addresses import Addresses
from orchestrator.actions.planning.walking.asking_addresses import Asking
from orchestrator.actions.planning.walking.flood import Flood, refuse_floods
from orchestrator.actions.planning.walking.found_pictures import FoundPictures, refuse
from orchestrator.actions.planning.walking.manifests import check_all
from orchestrator.actions.planning.walking.part import WHOLE, Part, refuse_prune_of
from orchestrator.actions.planning.walking.path_register import SharedPathsError
from orchestrator.actions.planning.walking.walk import Walk
from orchestrator.actions.planning.writing.applied import NOTHING, Applied, Pricing, Taking
from orchestrator.actions.planning.writing.inserting import Inserting, JobsToBe
from orchestrator.actions.planning.writing.spool import Spool
from orchestrator.manifest import Manifest
from orchestrator.ports import Shelf
from orchestrator.store.account.acts import Signature
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database
from orchestrator.store.runs.campaigns import refuse_closed
from orchestrator.store.runs.new_jobs import encode
from orchestrator.store.runs.output_paths import PathConflict, PathTakenError
from orchestrator.yamlio import Problem, ProblemsError

__all__ = ["Applied", "Pricing", "Taking", "apply"]


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
    accept_changes: bool = False,
    addresses: Addresses | None = None,
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
    ChangeFloodError is raised, before anything is written, where more has changed since the run before than
    `max_changed` of the manifest allows, unless `accept_changes` says that a person has agreed. `addresses`
    asks what https inputs serve; it knows already what a plan of the same command has asked.
    """
    if prune:
        refuse_prune_of(part)
    with database.read() as tx:
        refuse_closed(tx, {manifest.spec.campaign for manifest in manifests})
    if not checked and part.partial:
        check_all(manifests)
    with ExitStack() as stack:
        pricing = pricing or Pricing()
        asking = Asking(addresses or Addresses())
        checking = _Checking(database, stack, pricing.prices, shelf=shelf, asking=asking)
        drafts = checking.drafts(manifests, part)
        if not accept_changes:
            refuse_floods(checking.floods)
        pricing.prices.ask()
        if taking.words is not None:
            found = take_words(database, taking.words, taking.signed, raised=taking.raised)
            taking.tell(found)
        inserting = Inserting(database, pricing, taking, prune=prune, whole=not part.partial)
        return [inserting.insert(draft) for draft in drafts]


class _Checking:
    """Expands every manifest and checks every job and output path: all manifests or none."""

    def __init__(
        self,
        database: Database,
        stack: ExitStack,
        prices: LivePrices,
        *,
        shelf: Shelf | None,
        asking: Asking,
    ) -> None:
        self._database = database
        self._prices = prices
        self._shelf = shelf
        self._asking = asking
        self._found = FoundPictures()
        self._images = 0
        self._stack = stack
        self._problems: list[Problem] = []
        self._taken: list[PathConflict] = []
        self._shared: list[str] = []
        self.floods: list[Flood] = []

    def drafts(self, manifests: Sequence[Manifest], part: Part) -> list[JobsToBe]:
        """What is there already, and spools of what is not; raises with the problems of the manifests
        first.
        """
        several = len(manifests) > 1
        walk = Walk(self._database.read, part, several=several, shelf=self._shelf, asking=self._asking)
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

    def _draft(self, manifest: Manifest, walk: Walk) -> JobsToBe:
        applied = Applied(manifest)
        this = walk.through(manifest)
        canary = CanaryPick(self._database, manifest, this.run, partial=this.partial)
        jobs, twins = self._stack.enter_context(Spool()), self._stack.enter_context(Spool())
        draft = JobsToBe(applied, jobs, twins, canary=canary)
        try:
            for chunk in this.chunks():
                applied.existing += len(chunk.specs) - len(chunk.fresh) - len(chunk.decided)
                self._prices.note(manifest.spec.model, chunk.specs)
                applied.cost_micros += sum(spec.price_micros for spec in chunk.specs)
                if this.partial:
                    applied.keys += [spec.key for spec in chunk.specs]
                self._found.add(chunk.found)
                self._images += sum(spec.images for spec in chunk.specs)
                canary.see(chunk)
                self._taken += chunk.taken
                self._shared += chunk.shared
                new = [*chunk.fresh, *(spec for spec in chunk.specs if spec.key in chunk.decided)]
                if new:
                    draft.jobs.put([encode(spec) for spec in new])
                if chunk.twins:
                    draft.twins.put([(twin.key, twin.output_paths) for twin in chunk.twins])
        except ProblemsError as error:
            self._problems += error.problems
            return draft
        applied.others = this.others()
        self.floods.append(this.flood)
        return draft
