"""Expand, check and price manifests. Nothing is stored and nothing is spent."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator import catalogue
from orchestrator.actions.planning.cap_forecast import CapForecast, caps_for, run_path
from orchestrator.actions.planning.estimate import Estimate, estimate
from orchestrator.actions.planning.manifests import check_all
from orchestrator.actions.planning.part import Part, refuse_prune_of
from orchestrator.actions.planning.walk import ManifestWalk, Walk
from orchestrator.core.money import format_usd
from orchestrator.core.specs import RunSpec
from orchestrator.manifest import Manifest
from orchestrator.settings import Settings
from orchestrator.store.account import latencies
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope
from orchestrator.store.runs.unrequested import Unrequested
from orchestrator.store.views.progress import pending_cost


@dataclass(slots=True)
class ManifestPlan:
    """One manifest; money in micros. Only new and waiting jobs cost anything."""

    path: str
    spec: RunSpec
    jobs: int = 0
    images: int = 0
    new: int = 0
    new_images: int = 0
    existing: int = 0
    cost_micros: int = 0  # of the new jobs
    copies: int = 0  # further files of pictures that are paid once
    waiting: int = 0  # asked for, recorded by an earlier apply, not submitted yet
    waiting_images: int = 0
    waiting_micros: int = 0
    others: Unrequested = field(
        default_factory=Unrequested
    )  # wait in the same run, and are not asked for (any more)
    partial: bool = False  # only a part of the manifest is asked for
    prune: bool = False  # the others are to be dropped

    @property
    def to_submit(self) -> int:
        """Jobs that would be paid for from now on."""
        return self.new + self.waiting + (0 if self.prune else self.others.jobs)

    @property
    def to_submit_images(self) -> int:
        """How many pictures they make."""
        return self.new_images + self.waiting_images + (0 if self.prune else self.others.images)

    @property
    def to_pay_micros(self) -> int:
        """What they cost, each once."""
        return self.cost_micros + self.waiting_micros + (0 if self.prune else self.others.cost_micros)


class Cost(NamedTuple):
    """How many jobs, and what they cost in micros; false when there are none."""

    jobs: int
    cost_micros: int

    def __bool__(self) -> bool:
        return self.jobs > 0


@dataclass(slots=True)
class Plan:
    """Several manifests together."""

    manifests: list[ManifestPlan] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)  # sentences; `apply` refuses while there are any
    headroom: list[CapForecast] = field(default_factory=list)
    estimate: Estimate = field(default_factory=lambda: Estimate(0.0, ""))

    def total(self, name: str) -> int:
        """The sum of one number over all manifests."""
        return sum(int(getattr(item, name)) for item in self.manifests)

    @property
    def others_to_submit(self) -> Cost:
        """What will be made besides the jobs that are asked for."""
        kept = [item.others for item in self.manifests if not item.prune]
        return Cost(sum(others.jobs for others in kept), sum(others.cost_micros for others in kept))


def plan(
    manifests: Sequence[Manifest],
    settings: Settings,
    database: Database | None,
    *,
    limit: int | None = None,
    sample: int | None = None,
    prune: bool = False,
) -> Plan:
    """What applying and running `manifests` would do; raises ProblemsError when one is off.

    `database` is None where none exists yet: then every job is new. `limit` and `sample` count for each
    manifest; `prune` drops what waits and is not in a manifest any more, and raises UsageError together with
    them.
    """
    part = Part(limit, sample)
    if prune:
        refuse_prune_of(part)
    if part.partial:
        check_all(manifests)  # a problem beyond the first N must not come up later
    if database is None:
        return _Planner(None, settings).plan(manifests, part, prune=prune)
    with database.read() as tx:
        return _Planner(tx, settings).plan(manifests, part, prune=prune)


class _Planner:
    def __init__(self, tx: Tx | None, settings: Settings) -> None:
        self._tx = tx
        self._settings = settings
        self._plan = Plan()

    def plan(self, manifests: Sequence[Manifest], part: Part, *, prune: bool) -> Plan:
        walk = Walk(lambda: nullcontext(self._tx), part, several=len(manifests) > 1)
        for manifest in manifests:
            row = ManifestPlan(str(manifest.path), manifest.spec, partial=part.partial, prune=prune)
            self._fill(row, walk.through(manifest))
            self._plan.manifests.append(row)
            self._plan.warnings += manifest.warnings
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
            row.cost_micros += sum(item.price_micros for item in chunk.fresh)
            row.copies += chunk.copies
            self._plan.conflicts += chunk.shared
            self._plan.conflicts += [
                f"{item.path} belongs to job {item.job_id} of {item.campaign}/{item.name}, run {item.run_key}"
                for item in chunk.taken
            ]
        if walk.run and self._tx:
            others = row.others = walk.others()
            jobs, images, micros = pending_cost(self._tx, walk.run.id)
            row.waiting, row.waiting_images = jobs - others.jobs, images - others.images
            row.waiting_micros = micros - others.cost_micros

    def _headroom(self) -> list[CapForecast]:
        rows = self._plan.manifests
        found = []
        for cap in caps_for(self._tx, self._settings, [row.spec for row in rows]):
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
            limits=self._settings.limits,
            latency_seconds=seconds,
            latency_source=source,
        )

    def _warn(self) -> None:
        for item in self._plan.headroom:
            if not item.fits:
                self._plan.warnings.append(
                    f"{item.cap.words} has ${format_usd(item.cap.remaining_micros)} left and these jobs cost "
                    f"${format_usd(item.wanted_micros)}: the rest will wait, unpaid"
                )
        shown = self._plan.conflicts[:5]
        self._plan.warnings += [f"path conflict: {sentence}" for sentence in shown]
        if len(self._plan.conflicts) > len(shown):
            self._plan.warnings.append(f"and {len(self._plan.conflicts) - len(shown)} more path conflicts")
