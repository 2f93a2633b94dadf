"""Expand, check and price manifests. Nothing is stored and nothing is spent."""

from collections.abc import Container, Sequence
from contextlib import nullcontext

from orchestrator import catalogue
from orchestrator.actions.operator.fleet_words import FileWords
from orchestrator.actions.planning.figures.canary import made_first
from orchestrator.actions.planning.figures.cap_forecast import CapForecast, caps_for, is_about
from orchestrator.actions.planning.figures.changes import compare
from orchestrator.actions.planning.figures.content import Content
from orchestrator.actions.planning.figures.estimate import pace_in_force
from orchestrator.actions.planning.figures.how_long import how_long
from orchestrator.actions.planning.figures.month_ahead import ahead
from orchestrator.actions.planning.figures.plan_warnings import warn
from orchestrator.actions.planning.figures.planned import FATES, ManifestPlan, Plan
from orchestrator.actions.planning.figures.row_prices import price
from orchestrator.actions.planning.figures.saved_plan import Seal
from orchestrator.actions.planning.figures.stage_plan import stages_of
from orchestrator.actions.planning.figures.tally import Tally
from orchestrator.actions.planning.figures.within_caps import at_other_values, costs_of, within_caps
from orchestrator.actions.planning.prices.live_prices import Ask, LivePrices
from orchestrator.actions.planning.walking.addresses import Addresses
from orchestrator.actions.planning.walking.asking_addresses import Asking
from orchestrator.actions.planning.walking.manifests import check_all
from orchestrator.actions.planning.walking.part import WHOLE, Part, refuse_prune_of
from orchestrator.actions.planning.walking.view import View
from orchestrator.actions.planning.walking.walk import ManifestWalk, Walk
from orchestrator.core.precedence import Weight
from orchestrator.manifest import Manifest
from orchestrator.ports import Shelf
from orchestrator.settings import Settings
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs.campaigns import closed_among, closed_words
from orchestrator.store.runs.unrequested import JobsAt, tries_at_prices, turns_of_tries, waiting_at_prices


def plan(
    manifests: Sequence[Manifest],
    settings: Settings,
    database: Database | None,
    *,
    part: Part = WHOLE,
    prune: bool = False,
    shelf: Shelf | None = None,
    raised: Container[object] = (),
    ask: Ask | None = None,
    listing: int = 0,
    sealed: bool = False,
    addresses: Addresses | None = None,
) -> Plan:
    """What applying and running `manifests` would do; raises ProblemsError when one is off.

    `database` is None where none exists yet: then every job is new. `shelf` shows which pictures of new jobs
    are there already. `part` counts for each manifest; `prune` drops what waits and is not in a manifest any
    more, and raises UsageError together with it. `raised` are the caps and limits whose looser words a person
    has agreed to take. `ask` asks the provider for live prices; without it, jobs cost what the catalogue
    says. The first `listing` jobs of each manifest are kept to be shown; `sealed`, what the plan stands on is
    kept too. `addresses` asks what https inputs serve.
    """
    if prune:
        refuse_prune_of(part)
    if part.partial:
        check_all(manifests)  # a problem beyond the first N must not come up later
    with View(database) as view:
        walk = Walk(
            lambda: nullcontext(view.tx),
            part,
            several=len(manifests) > 1,
            shelf=shelf,
            asking=Asking(addresses or Addresses(), view.away),
        )
        planner = _Planner(view, settings, ask, raised=raised)
        return planner.plan(manifests, walk, prune=prune, listing=listing, sealed=sealed)


def _begun(manifest: Manifest, *, partial: bool, prune: bool, content: Content) -> ManifestPlan:
    """What is known of a manifest before its jobs are walked through."""
    by = catalogue.get(manifest.spec.model).price.by
    return ManifestPlan(
        str(manifest.path),
        manifest.spec,
        partial=partial,
        prune=prune,
        tally=Tally(manifest.cover, by),
        fixed={by: manifest.fixed(by)},
        shape=manifest.shape,
        besides=manifest.besides,
        variations=manifest.variations,
        when_short=manifest.schedule.when_short if manifest.schedule else None,
        content=content,
        stages=stages_of(manifest),
        root=manifest.root,
    )


class _Planner:
    def __init__(self, view: View, settings: Settings, ask: Ask | None, *, raised: Container[object]) -> None:
        self._view = view
        self._settings = settings
        self._raised = raised
        self._waiting: dict[int, list[JobsAt]] = {}  # by the row's identity
        self._tries: dict[int, list[JobsAt]] = {}
        known = identity.database_id(view.tx) if view.tx else None
        self._plan = Plan(database_id=known, prices=LivePrices(ask))

    @property
    def _tx(self) -> Tx | None:
        return self._view.tx

    def plan(
        self, manifests: Sequence[Manifest], walk: Walk, *, prune: bool, listing: int, sealed: bool
    ) -> Plan:
        for manifest in manifests:
            content = Content(listing, lines=manifest.lines, seal=Seal() if sealed else None)
            row = _begun(manifest, partial=walk.part.partial, prune=prune, content=content)
            self._fill(row, walk.through(manifest))
            row.content.changes = compare(row.content.left.compared, row.content.fresh)
            row.tally.merged = manifest.merged
            row.left_out = manifest.left_out
            row.canary = made_first(self._tx, row)
            self._plan.manifests.append(row)
            self._plan.warnings += manifest.warnings
        self._plan.warnings += walk.asking.addresses.warnings()
        self._plan.prices.ask()
        if self._tx:
            self._plan.prices.heed(self._tx)
        for row in self._plan.manifests:
            price(row, self._plan.prices, waiting=self._waiting, tries=self._tries)
            row.costs = costs_of(row, self._plan.prices)
            row.instead = at_other_values(row, self._plan.prices)
        for manifest, row in zip(manifests, self._plan.manifests, strict=True):
            self._seal(manifest, row)
        self._words = FileWords(self._settings, [row.spec for row in self._plan.manifests])
        if self._tx:
            self._plan.differences = [
                item
                for item in self._words.differences(self._tx)
                if item.weight in {Weight.LOOSER, Weight.OVERRULED} and item.key not in self._raised
            ]
            campaigns = {row.spec.campaign for row in self._plan.manifests}
            self._plan.warnings += [closed_words(name) for name in closed_among(self._tx, campaigns)]
            self._plan.forecasts = ahead(self._tx, self._plan, self._settings.budgets.timezone)
        self._plan.headroom = self._headroom()
        within = within_caps(self._tx, self._plan.manifests, self._plan.headroom, prices=self._plan.prices)
        self._plan.affordable, self._plan.cuts = within.affordable, within.cuts
        pace = pace_in_force(self._tx, self._settings, self._words, raised=self._raised)
        self._plan.estimate = how_long(self._tx, self._plan, pace)
        warn(self._plan, self._settings.guards.price_drift_percent)
        return self._plan

    def _fill(self, row: ManifestPlan, walk: ManifestWalk) -> None:
        for chunk in walk.chunks():
            states = {**chunk.states, **{key: FATES[item.fate] for key, item in chunk.decided.items()}}
            for item in chunk.specs:
                row.tally.add(item, states.get(item.key))
            row.content.add(chunk.specs, chunk.fresh, states)
            row.jobs += len(chunk.specs)
            row.images += sum(item.images for item in chunk.specs)
            row.stages.count(chunk.specs, chunk.fresh)
            row.existing += len(chunk.specs) - len(chunk.fresh) - len(chunk.decided)
            row.count_decided(chunk.specs, chunk.decided)
            row.new += len(chunk.fresh)
            row.at_address += len(chunk.differing)
            row.outdated += len(chunk.outdated)
            row.new_images += sum(item.images for item in chunk.fresh)
            self._plan.prices.note(row.spec.model, chunk.specs)
            for item in chunk.fresh:
                jobs, _ = row.new_at.get(item.priced_by, (0, 0))
                row.new_at[item.priced_by] = (jobs + 1, item.price_micros)
            self._plan.found.add(chunk.found)
            row.copies += chunk.copies
            self._plan.conflicts += chunk.shared
            self._plan.conflicts += [
                f"{item.path} belongs to job {item.job_id} of {item.campaign}/{item.name}, run {item.run_key}"
                for item in chunk.taken
            ]
        row.flood = walk.flood
        if walk.run and self._tx:
            others = row.others = walk.others()
            self._waiting[id(row)] = found = waiting_at_prices(self._tx, walk.run.id)
            self._tries[id(row)] = tries = tries_at_prices(self._tx, walk.run.id)
            redone = sum(part.jobs for part in tries)
            row.waiting = sum(part.jobs for part in found) - others.jobs
            row.waiting_images = sum(part.images for part in found) - others.images
            if row.partial:  # a part is a bound on what is spent: other tries go on waiting
                row.waiting -= redone
                row.waiting_images -= sum(part.images for part in tries)
            elif redone:
                row.redone = redone
                row.redone_turns = turns_of_tries(self._tx, walk.run.id)
            row.content.left = walk.left_behind()
            if not row.partial:
                row.stages.look_for_stale(self._tx, walk.run.id)

    def _seal(self, manifest: Manifest, row: ManifestPlan) -> None:
        if (seal := row.content.seal) is not None:
            spec, micros = row.spec, self._plan.prices.micros
            seal.close(
                manifest=spec.manifest_sha256,
                run_key=spec.run_key,
                tables=manifest.tables,
                prices={digest: micros(spec.model, digest, listed) for digest, listed in seal.prices.items()},
            )

    def _headroom(self) -> list[CapForecast]:
        rows = self._plan.manifests
        found = []
        for cap in caps_for(self._tx, self._words, raised=self._raised):
            mine = [row.to_pay_micros for row in rows if is_about(cap, row.spec)]
            found.append(CapForecast(cap, sum(mine)))
        return found
