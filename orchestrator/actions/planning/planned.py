"""What applying manifests would do: the numbers of each, and of all together."""

from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.actions.operator.fleet_words import FleetDifference
from orchestrator.actions.planning.cap_forecast import CapForecast
from orchestrator.actions.planning.estimate import Estimate
from orchestrator.actions.planning.found_pictures import FoundPictures
from orchestrator.actions.planning.live_prices import LivePrices
from orchestrator.core.specs import RunSpec
from orchestrator.store.runs.unrequested import Unrequested


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
    cost_micros: int = 0  # of the new jobs, at the live price where it is known
    list_micros: int = 0  # the same at list prices
    copies: int = 0  # further files of pictures that are paid once
    waiting: int = 0  # asked for, recorded by an earlier apply, not submitted yet
    waiting_images: int = 0
    waiting_micros: int = 0
    waiting_list_micros: int = 0
    redone: int = 0  # of the waiting: further tries of its jobs, which a person asked for
    redone_micros: int = 0
    others: Unrequested = field(
        default_factory=Unrequested
    )  # wait in the same run, and are not asked for (any more)
    partial: bool = False  # only a part of the manifest is asked for
    prune: bool = False  # the others are to be dropped
    new_at: dict[str, tuple[int, int]] = field(default_factory=dict)  # price digest: jobs, list price of one

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

    @property
    def to_pay_list_micros(self) -> int:
        """The same at list prices."""
        others = () if self.prune else self.others.at_prices
        return (
            self.list_micros + self.waiting_list_micros + sum(part.jobs * part.list_micros for part in others)
        )


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
    found: FoundPictures = field(
        default_factory=FoundPictures
    )  # `apply` and `run` need a person's word while there are any
    database_id: str | None = None
    differences: list[FleetDifference] = field(default_factory=list)  # words of files that would not count
    prices: LivePrices = field(default_factory=LivePrices)

    def total(self, name: str) -> int:
        """The sum of one number over all manifests."""
        return sum(int(getattr(item, name)) for item in self.manifests)

    @property
    def others_to_submit(self) -> Cost:
        """What will be made besides the jobs that are asked for."""
        kept = [item.others for item in self.manifests if not item.prune]
        return Cost(sum(others.jobs for others in kept), sum(others.cost_micros for others in kept))
