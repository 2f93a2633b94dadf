"""What applying manifests would do: the numbers of each, and of all together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from orchestrator.actions.operator.fleet_words import FleetDifference
from orchestrator.actions.planning.figures.affordable import Affordable
from orchestrator.actions.planning.figures.cap_forecast import CapForecast
from orchestrator.actions.planning.figures.content import Content
from orchestrator.actions.planning.figures.cuts import Cut
from orchestrator.actions.planning.figures.estimate import Estimate
from orchestrator.actions.planning.figures.stage_plan import Stages
from orchestrator.actions.planning.figures.tally import Tally
from orchestrator.actions.planning.prices.live_prices import LivePrices
from orchestrator.actions.planning.walking.flood import Flood
from orchestrator.actions.planning.walking.found_pictures import FoundPictures
from orchestrator.core.nights import Fate
from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.core.states import JobState
from orchestrator.core.ticks import WhenShort
from orchestrator.manifest.bad_rows import LeftOut
from orchestrator.store.runs.earlier import Decided
from orchestrator.store.runs.unrequested import Turn, Unrequested
from orchestrator.store.views.money.forecasts import MonthForecast

FATES: Final = {
    Fate.REUSE: JobState.REUSED.value,
    Fate.UNDER_WAY: JobState.RUNNING.value,
    Fate.LEAVE: "left alone",
}
"""The state that is shown of a job which the run does not get, or gets for nothing."""


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
    reused: int = 0  # have the pictures of earlier runs
    reused_at: dict[str, tuple[int, int]] = field(default_factory=dict)  # as `new_at`
    avoided_micros: int = 0  # what these would cost
    under_way: int = 0  # another run is making them
    left_alone: int = 0  # not asked for, because of the word `regenerate`, or an https input that is gone
    at_address: int = 0  # of the new ones: an https input of theirs serves another picture
    outdated: int = 0  # of the new ones: an older revision of the model has made what is there
    flood: Flood | None = None  # how much is other than in the run before
    copies: int = 0  # further files of pictures that are paid once
    waiting: int = 0  # asked for, recorded by an earlier apply, not submitted yet
    waiting_images: int = 0
    waiting_micros: int = 0
    waiting_list_micros: int = 0
    redone: int = 0  # of the waiting: further tries of its jobs, which a person asked for
    redone_micros: int = 0
    redone_turns: list[Turn] = field(default_factory=list)
    others: Unrequested = field(
        default_factory=Unrequested
    )  # wait in the same run, and are not asked for (any more)
    partial: bool = False  # only a part of the manifest is asked for
    prune: bool = False  # the others are to be dropped
    tally: Tally = field(default_factory=Tally)
    fixed: dict[str, object] = field(default_factory=dict)  # parameters that are the same for all jobs
    shape: list[tuple[str, int]] = field(default_factory=list)  # axes, and how many values each has
    besides: str = ""  # what is excluded and added, in words
    variations: int = 1
    content: Content = field(default_factory=Content)
    costs: dict[str, dict[str, int]] = field(default_factory=dict)  # by variation and value, to be paid
    instead: dict[str, int] = field(default_factory=dict)  # their cost at other values of what decides it
    left_out: list[LeftOut] = field(default_factory=list)  # rows of its tables
    canary: int | None = None  # so many are made first, and the run then waits; None: its gate is open
    when_short: WhenShort | None = (
        None  # what a tick of its schedule does without enough money; None: no schedule
    )
    stages: Stages = field(default_factory=Stages)
    root: Callable[[int], int] = int  # the ordinal of the manifest's own job that one of a stage follows from
    new_at: dict[str, tuple[int, int]] = field(default_factory=dict)  # price digest: jobs, list price of one

    @property
    def others_too(self) -> bool:
        """Whether what waits besides is made as well: not when it is dropped, or when a part is asked for."""
        return not self.prune and not self.partial

    @property
    def to_submit(self) -> int:
        """Jobs that would be paid for from now on."""
        asked = self.new + self.waiting + self.stages.again
        return asked + (self.others.jobs if self.others_too else 0)

    @property
    def to_submit_images(self) -> int:
        """How many pictures they make."""
        asked = self.new_images + self.waiting_images + self.stages.again_images
        return asked + (self.others.images if self.others_too else 0)

    @property
    def to_pay_micros(self) -> int:
        """What they cost, each once."""
        asked = self.cost_micros + self.waiting_micros + self.stages.again_micros
        return asked + (self.others.cost_micros if self.others_too else 0)

    @property
    def to_pay_list_micros(self) -> int:
        """The same at list prices."""
        others = self.others.at_prices if self.others_too else ()
        asked = self.list_micros + self.waiting_list_micros + self.stages.again_list_micros
        return asked + sum(part.jobs * part.list_micros for part in others)

    def count_decided(self, specs: Sequence[JobSpec], decided: Mapping[str, Decided]) -> None:
        """Count the jobs that earlier runs decide about."""
        for spec in specs if decided else ():
            if (item := decided.get(spec.key)) is None:
                continue
            self.reused += item.fate is Fate.REUSE
            self.under_way += item.fate is Fate.UNDER_WAY
            self.left_alone += item.fate is Fate.LEAVE
            if item.fate is Fate.REUSE:
                jobs, _ = self.reused_at.get(spec.priced_by, (0, 0))
                self.reused_at[spec.priced_by] = (jobs + 1, spec.price_micros)


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
    affordable: Affordable | None = None  # what the caps let through; None without a cap
    cuts: list[Cut] = field(default_factory=list)  # what could be left out so that everything fits
    prices: LivePrices = field(default_factory=LivePrices)
    forecasts: Sequence[MonthForecast] = ()  # of the account and its campaigns, with these jobs

    def total(self, name: str) -> int:
        """The sum of one number over all manifests."""
        return sum(int(getattr(item, name)) for item in self.manifests)

    @property
    def jobs_to_submit(self) -> int:
        """Jobs that would be paid for from now on."""
        return self.total("to_submit")

    @property
    def images_to_submit(self) -> int:
        """How many pictures they make."""
        return self.total("to_submit_images")

    @property
    def micros_to_pay(self) -> int:
        """What they cost, each once."""
        return self.total("to_pay_micros")

    @property
    def others_to_submit(self) -> Cost:
        """What will be made besides the jobs that are asked for."""
        kept = [item.others for item in self.manifests if item.others_too]
        return Cost(sum(others.jobs for others in kept), sum(others.cost_micros for others in kept))
