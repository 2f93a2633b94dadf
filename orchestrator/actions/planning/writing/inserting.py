"""Writing jobs that are checked: by thousands, each batch durable when its transaction ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from orchestrator.actions.operator.change_jobs import drop_waiting, supersede
from orchestrator.actions.operator.fleet_words import manifest_caps
from orchestrator.actions.planning.figures.canary import CanaryPick
from orchestrator.actions.planning.writing.applied import RENAMED_KEPT, Applied, Pricing, Taking
from orchestrator.actions.planning.writing.spool import Spool
from orchestrator.catalogue import revisions
from orchestrator.store.account import rate_limits, workers
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing.made_again import AGAIN_MAX, any_stale, make_again
from orchestrator.store.db.database import Database
from orchestrator.store.money import budgets, quotes
from orchestrator.store.runs import asking_names
from orchestrator.store.runs.adding import add_encoded
from orchestrator.store.runs.copies import add_copies
from orchestrator.store.runs.new_jobs import NewJob
from orchestrator.store.runs.runs import Run, ensure_run


class JobsToBe(NamedTuple):
    """What is to be inserted for one manifest."""

    applied: Applied
    jobs: Spool
    twins: Spool
    canary: CanaryPick


@dataclass(frozen=True, slots=True)
class Inserting:
    """Writes checked jobs, with the caps and the prices that they come with."""

    database: Database
    pricing: Pricing
    taking: Taking
    prune: Signature | None
    whole: bool

    def insert(self, draft: JobsToBe) -> Applied:
        """The jobs are looked up again in the transaction that inserts them: somebody else may have been
        quicker.
        """
        applied = draft.applied
        draft.canary.close_of_existing(self.database)
        with self.database.write() as tx:
            rate_limits.lock(tx)  # before the lanes: see `deferred_writes.LockOrder`
            run = ensure_run(tx, applied.manifest.spec)
            draft.canary.close_of_new(tx, run.id)
            caps = manifest_caps([applied.manifest.spec])
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
        if self.whole:
            applied.again += self._make_again(run)
        self._name(applied, run)
        applied.manifest.keep_pixels()
        if self.whole:
            applied.superseded += supersede(self.database, run, applied.manifest.spec.night)
        self._keep_answers(run.model)
        return applied

    def _make_again(self, run: Run) -> int:
        """What was made of a picture that is not the choice any more; only here, never by a worker alone."""
        with self.database.read() as tx:
            stale = any_stale(tx, run.id)
        made, added = 0, AGAIN_MAX if stale else 0
        while added == AGAIN_MAX:
            with self.database.write() as tx:
                added = make_again(tx, run.id, self.taking.signed, revisions=revisions())
            made += added
        return made

    def _name(self, applied: Applied, run: Run) -> None:
        """Stable names: their list, and what becomes of those that nobody asks for any more."""
        spec, owner = applied.manifest.spec, (run.id, run.campaign_id, run.name)
        if (index := spec.settings.get("latest_index")) is None:
            return
        with self.database.write() as tx:
            asking_names.ask_for_index(tx, owner, index)
            if self.whole and spec.retires:
                asking_names.retire(tx, owner)

    def _add(self, draft: JobsToBe, run: Run, chunk: Sequence[NewJob], *, agreed: Mapping[str, int]) -> None:
        applied = draft.applied
        self.database.require_in_place()
        with self.database.write() as tx:
            added = add_encoded(tx, run, chunk, agreed=agreed, rule=applied.manifest.spec.night)
            draft.canary.mark(tx, run.id, chunk)
            beside = workers.any_alive(tx)
        if beside:
            self.database.give_way()
        applied.new += added.new
        applied.existing += added.existing
        for name in _COUNTS:
            setattr(applied, name, getattr(applied, name) + getattr(added, name))
        applied.renamed += added.renamed[: max(0, RENAMED_KEPT - len(applied.renamed))]

    def _keep_answers(self, model: str) -> None:
        """What the provider said of its prices is known to everybody from now on."""
        if answers := self.pricing.prices.seen(model):
            with self.database.write() as tx:
                for seen in answers:
                    quotes.learn(tx, seen, drift_percent=self.pricing.drift_percent)


_COUNTS: Final = (
    "reused",
    "avoided_micros",
    "under_way",
    "left_alone",
    "superseded",
    "at_address",
    "outdated",
)
