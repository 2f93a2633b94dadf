"""What a manifest with stages means, stage by stage."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.core.specs import JobSpec
from orchestrator.manifest import Manifest
from orchestrator.manifest.shapes.stages_shape import PICTURES
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import stale_pictures


@dataclass(slots=True)
class StagePlan:
    """The jobs of one stage; the first is what the manifest itself asks for. Money in micros."""

    name: str
    needs: str | None = None  # the stage whose pictures it takes; None for the first
    accepted: bool = False  # it takes accepted ones alone
    hop: int = 0  # how many stages come before it
    jobs: int = 0
    images: int = 0
    new: int = 0
    new_at: dict[str, tuple[int, int]] = field(default_factory=dict)  # price digest: new jobs, list price
    cost_micros: int = 0  # of the new ones, at the live price where it is known

    def count(self, spec: JobSpec, *, fresh: bool) -> None:
        """One of its jobs; a `fresh` one is to be bought."""
        self.jobs += 1
        self.images += spec.images
        if fresh:
            self.new += 1
            jobs, _ = self.new_at.get(spec.priced_by, (0, 0))
            self.new_at[spec.priced_by] = (jobs + 1, spec.price_micros)


@dataclass(slots=True)
class Stages:
    """All stages of a manifest, in an order in which each comes after what it needs; none where it has none.

    `again` are jobs whose picture was chosen anew after they were made: applying makes one further try each.
    """

    whole: dict[str, StagePlan] = field(default_factory=dict)  # by name; the first under ""
    again: int = 0
    again_images: int = 0
    again_micros: int = 0
    _again_at: dict[str, tuple[int, int]] = field(default_factory=dict)
    _images_at: dict[str, int] = field(default_factory=dict)  # pictures of a job, by price digest

    def __bool__(self) -> bool:
        return bool(self.whole)

    def count(self, specs: Iterable[JobSpec], fresh: Iterable[JobSpec]) -> None:
        """See some jobs go by."""
        if not self.whole:
            return
        bought = {spec.key for spec in fresh}
        for spec in specs:
            self.whole[spec.stage].count(spec, fresh=spec.key in bought)
            self._images_at[spec.priced_by] = spec.images

    def look_for_stale(self, tx: Tx, run_id: int) -> None:
        """What applying would make again; reads alone."""
        if self.whole:
            self._again_at = stale_pictures.totals(tx, run_id)
            self.again = sum(jobs for jobs, _micros in self._again_at.values())
            self.again_images = sum(images for _micros, images in self.again_prices(lambda _, micros: micros))

    def price(self, live: Callable[[str, int], int]) -> None:
        """Say what they cost: `live` gives the price of a job by its digest, and by the list without one."""
        for stage in self.whole.values():
            stage.cost_micros = sum(
                jobs * live(digest, each) for digest, (jobs, each) in stage.new_at.items()
            )
        self.again_micros = sum(micros for micros, _images in self.again_prices(live))

    def again_prices(self, live: Callable[[str, int], int]) -> list[tuple[int, int]]:
        """Of each job that would be made again its price and its pictures."""
        return [
            (live(digest, micros // jobs), self._images_at.get(digest, 1))
            for digest, (jobs, micros) in self._again_at.items()
            for _job in range(jobs)
        ]

    @property
    def again_list_micros(self) -> int:
        """The same at list prices."""
        return sum(micros for _jobs, micros in self._again_at.values())

    def hops(self, stages: Iterable[str]) -> int:
        """How many stages, one after another, jobs of these stages stand in; 1 without any."""
        return len({self.whole[name].hop for name in stages if name in self.whole}) or 1

    def following(self) -> Mapping[str, frozenset[str]]:
        """Each stage that could be left out, with all that would be left out with it."""
        found = {}
        for stage in self.whole.values():
            if stage.needs is not None:
                found[stage.name] = self._with_all_after(stage.name)
        return found

    def _with_all_after(self, name: str) -> frozenset[str]:
        gone = {name}
        for stage in self.whole.values():  # each after what it needs
            if stage.needs in gone:
                gone.add(stage.name)
        return frozenset(gone)


def stages_of(manifest: Manifest) -> Stages:
    """The stages of a manifest, before its jobs are walked through."""
    if not manifest.stages:
        return Stages()
    found = {"": StagePlan(PICTURES)}
    hops = {PICTURES: 0}
    for stage in manifest.stages:
        hops[stage.name] = hops[stage.needs] + 1
        found[stage.name] = StagePlan(
            stage.name, needs=stage.needs, accepted=stage.accepted, hop=hops[stage.name]
        )
    return Stages(found)


def waits_for_people(stages: Stages, to_pay: Sequence[str]) -> list[str]:
    """Those of the stages `to_pay` that wait until somebody has accepted pictures."""
    return [stage.name for stage in stages.whole.values() if stage.accepted and stage.name in to_pay]
