"""Expand, check and price manifests. Nothing is stored and nothing is spent."""

from collections.abc import Container, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from orchestrator import catalogue
from orchestrator.actions.operator.fleet_words import FileWords, run_path
from orchestrator.actions.planning.cap_forecast import CapForecast, caps_for
from orchestrator.actions.planning.estimate import Estimate, Pace, estimate
from orchestrator.actions.planning.found_pictures import here_words, rebuild_words
from orchestrator.actions.planning.live_prices import Ask, LivePrices
from orchestrator.actions.planning.manifests import check_all
from orchestrator.actions.planning.part import WHOLE, Part, refuse_prune_of
from orchestrator.actions.planning.planned import ManifestPlan, Plan
from orchestrator.actions.planning.walk import ManifestWalk, Walk
from orchestrator.core.money import format_usd
from orchestrator.core.precedence import Weight
from orchestrator.manifest import Manifest
from orchestrator.ports import Shelf
from orchestrator.settings import Settings
from orchestrator.store.account import configured_limits, latencies
from orchestrator.store.account.configured_limits import LimitName
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope
from orchestrator.store.runs.unrequested import JobsAt, tries_at_prices, waiting_at_prices


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
) -> Plan:
    """What applying and running `manifests` would do; raises ProblemsError when one is off.

    `database` is None where none exists yet: then every job is new. `shelf` shows which pictures of new jobs
    are there already. `part` counts for each manifest; `prune` drops what waits and is not in a manifest any
    more, and raises UsageError together with it. `raised` are the caps and limits whose looser words a person
    has agreed to take. `ask` asks the provider for live prices; without it, jobs cost what the catalogue
    says.
    """
    if prune:
        refuse_prune_of(part)
    if part.partial:
        check_all(manifests)  # a problem beyond the first N must not come up later
    if database is None:
        return _Planner(None, settings, ask, shelf=shelf, raised=raised).plan(manifests, part, prune=prune)
    with database.read() as tx:
        return _Planner(tx, settings, ask, shelf=shelf, raised=raised).plan(manifests, part, prune=prune)


class _Planner:
    def __init__(
        self,
        tx: Tx | None,
        settings: Settings,
        ask: Ask | None,
        *,
        shelf: Shelf | None,
        raised: Container[object],
    ) -> None:
        self._tx = tx
        self._shelf = shelf
        self._settings = settings
        self._raised = raised
        self._waiting: dict[int, list[JobsAt]] = {}  # by the row's identity
        self._tries: dict[int, list[JobsAt]] = {}
        self._plan = Plan(database_id=identity.database_id(tx) if tx else None, prices=LivePrices(ask))

    def plan(self, manifests: Sequence[Manifest], part: Part, *, prune: bool) -> Plan:
        walk = Walk(lambda: nullcontext(self._tx), part, several=len(manifests) > 1, shelf=self._shelf)
        for manifest in manifests:
            row = ManifestPlan(str(manifest.path), manifest.spec, partial=part.partial, prune=prune)
            self._fill(row, walk.through(manifest))
            self._plan.manifests.append(row)
            self._plan.warnings += manifest.warnings
        self._plan.prices.ask()
        for row in self._plan.manifests:
            self._price(row)
        self._words = FileWords(self._settings, [row.spec for row in self._plan.manifests])
        if self._tx:
            self._plan.differences = [
                item
                for item in self._words.differences(self._tx)
                if item.weight in {Weight.LOOSER, Weight.OVERRULED} and item.key not in self._raised
            ]
        self._plan.headroom = self._headroom()
        self._plan.estimate = self._estimate()
        self._warn()
        return self._plan

    def _fill(self, row: ManifestPlan, walk: ManifestWalk) -> None:
        for chunk in walk.chunks():
            row.jobs += len(chunk.specs)
            row.images += sum(item.images for item in chunk.specs)
            row.existing += len(chunk.specs) - len(chunk.fresh)
            row.new += len(chunk.fresh)
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
        if walk.run and self._tx:
            others = row.others = walk.others()
            self._waiting[id(row)] = found = waiting_at_prices(self._tx, walk.run.id)
            row.waiting = sum(part.jobs for part in found) - others.jobs
            row.waiting_images = sum(part.images for part in found) - others.images
            self._tries[id(row)] = tries = tries_at_prices(self._tx, walk.run.id)
            row.redone = sum(part.jobs for part in tries)

    def _price(self, row: ManifestPlan) -> None:
        """What the jobs cost now."""
        live = partial(self._plan.prices.micros, row.spec.model)
        row.cost_micros = sum(jobs * live(digest, price) for digest, (jobs, price) in row.new_at.items())
        row.list_micros = sum(jobs * price for jobs, price in row.new_at.values())
        others = tuple(
            part._replace(price_micros=live(part.digest, part.price_micros)) for part in row.others.at_prices
        )
        row.others = replace(
            row.others,
            cost_micros=sum(part.jobs * part.price_micros for part in others),
            at_prices=others,
        )
        tries = self._tries.get(id(row), [])
        row.redone_micros = sum(part.jobs * live(part.digest, part.price_micros) for part in tries)
        all_waiting = self._waiting.get(id(row), [])
        row.waiting_micros = (
            sum(part.jobs * live(part.digest, part.price_micros) for part in all_waiting)
            - row.others.cost_micros
        )
        row.waiting_list_micros = sum(part.jobs * part.list_micros for part in all_waiting) - sum(
            part.jobs * part.list_micros for part in others
        )

    def _headroom(self) -> list[CapForecast]:
        rows = self._plan.manifests
        found = []
        for cap in caps_for(self._tx, self._words, raised=self._raised):
            mine = [
                row.to_pay_micros
                for row in rows
                if cap.scope == Scope.ACCOUNT
                or (cap.scope == Scope.CAMPAIGN and cap.name == row.spec.campaign)
                or (cap.scope == Scope.RUN and cap.name == run_path(row.spec))
            ]
            found.append(CapForecast(cap, sum(mine)))
        return found

    def _estimate(self) -> Estimate:
        """The slowest of the models decides; they share the account's limits."""
        seconds, source = 0.0, ""
        for model in {row.spec.model for row in self._plan.manifests if row.to_submit}:
            measured = latencies.get(self._tx, model) if self._tx else None
            guess = catalogue.get(model).latency
            typical = measured.p50_ms / 1000 if measured else guess.seconds_typical
            if typical >= seconds:
                seconds, source = typical, "measured" if measured else guess.source
        return estimate(
            jobs=self._plan.total("to_submit"),
            pace=self._pace(),
            latency_seconds=seconds,
            latency_source=source,
        )

    def _pace(self) -> Pace:
        """The limits in force, as they will be once the configuration's words are taken."""
        asked, level = self._settings.limits, f"level {self._settings.limits.level}"
        in_force = configured_limits.limits_in_force(self._tx) if self._tx else {}
        numbers = {name: limit.value for name, limit in in_force.items()}
        for item in configured_limits.compare(in_force, self._words.limits):
            if item.counts(self._raised):
                numbers[item.name] = item.wanted
        mine = (asked.concurrency, asked.submits_per_minute)
        found = (
            numbers.get(LimitName.CONCURRENCY, asked.concurrency),
            numbers.get(LimitName.SUBMITS, asked.submits_per_minute),
        )
        return Pace(*found, words=level if found == mine else "in force for all workers")

    def _warn(self) -> None:
        found = self._plan.found
        if found.jobs:
            words = here_words(found, self._plan.total("images"), self._plan.database_id)
            self._plan.warnings.insert(0, f"{words}: record them with `{rebuild_words(found)}`")
        if found.taken:
            self._plan.warnings.append(
                f"{found.taken:,} planned file name(s) belong to pictures of other jobs, which stay: these "
                "get a name beside them"
            )
        for item in self._plan.headroom:
            if not item.fits:
                self._plan.warnings.append(
                    f"{item.cap.words} {item.cap.standing} and these jobs cost "
                    f"${format_usd(item.wanted_micros)}: the rest will wait, unpaid"
                )
        drift = self._settings.guards.price_drift_percent
        self._plan.warnings += self._plan.prices.warnings(drift)
        shown = self._plan.conflicts[:5]
        self._plan.warnings += [f"path conflict: {sentence}" for sentence in shown]
        if len(self._plan.conflicts) > len(shown):
            self._plan.warnings.append(f"and {len(self._plan.conflicts) - len(shown)} more path conflicts")
