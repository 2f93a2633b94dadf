"""What one seed draws: manifests, settings, the provider's moods, and how often each fault strikes."""

from dataclasses import dataclass, field
from typing import Any

MODEL = "kwaivgi/kling-image-o3/edit"
UNIT = {"1k": 28_000, "2k": 28_000, "4k": 56_000}
"""The provider's price of one picture, in micros."""

PICTURE = "https://in.example/a.png"
"""What is sent along, unless it is uploaded."""

DAY = 86_400.0


@dataclass
class PlannedRun:
    """One manifest, applied under one key."""

    campaign: str
    name: str
    priority: int
    max_attempts: int
    combinations: int
    variations: int
    images: int
    resolution: str
    local_images: bool

    @property
    def price_micros(self) -> int:
        return UNIT[self.resolution] * self.images

    @property
    def jobs(self) -> int:
        return self.combinations * self.variations


@dataclass
class PlannedCap:
    """A cap an operator sets before the work begins."""

    scope: str  # account | campaign | run
    name: str  # campaign name, run name, or empty
    window: str
    micros: int


@dataclass
class PlannedFile:
    """The configuration of somebody else who works on the same database: what it names of the caps and limits
    that the plan has, as a share of each; None: it has no opinion."""

    caps: float | None
    limits: float | None


@dataclass
class SimulationPlan:
    """All that is random about a seed, but for the dice thrown on the way."""

    seed: int
    theme: str
    runs: list[PlannedRun]
    caps: list[PlannedCap]
    workers: int
    grouped_writes: bool
    hosts_see_death: bool  # a restarted worker knows which of its neighbors are dead
    concurrency: int
    submits_per_minute: int
    lease_seconds: float
    settle_seconds: float
    list_lag: float
    list_shows_inputs: bool
    list_page: int
    bill_readable: bool
    refund_max: float
    retention_seconds: float
    clock_skew_ms: int
    clock_jump_ms: int
    foreign_tasks: int
    faults_until: float
    operator_actions: int
    chances: dict[str, float] = field(default_factory=dict)
    windows: list[tuple[str, float, float]] = field(default_factory=list)  # (one of WINDOWS, from, to)
    on_failed: str = "hold"
    unknown_tasks: str = "stop"
    timezone: str = "UTC"
    start_ms: int = 0
    long_sleep: tuple[float, float] | None = None  # everybody is away from, for
    idle_seconds: float = 15.0
    max_crashes: int = 0
    database_has_clock: bool = False  # hosts follow it, and each has its own idea of the time
    restored: tuple[float, float] | None = None  # the store becomes, at, what it was, before
    copy_buys: int = 0  # how many tasks another live copy of the store buys, of the same jobs
    webhook_wait_seconds: float | None = (
        None  # how long a doubt waits for its webhook; None: webhooks are off
    )
    webhook_chances: dict[str, float] = field(default_factory=dict)
    bill_chances: dict[str, float] = field(default_factory=dict)
    ending_chances: dict[str, float] = field(default_factory=dict)
    charge_percent: int = 100  # of the quoted price that is charged, from a moment on
    charged_from: float = 0.0
    bill_percent: int = 100  # of each amount that the bill shows: another unit
    other_charges: int = 0  # records of another service on the bill
    last_look_after: float = 12_000.0  # how long after the last refund the bill is read for the last time
    bad_key: tuple[int, float, float] | None = None  # the key of this worker is refused, from, to
    files: list[PlannedFile] = field(default_factory=list)  # besides the plan's own, in turn for each worker
    price_changes: list[tuple[float, int]] = field(default_factory=list)  # (at, per cent of the list price)
    price_silence: tuple[float, float] | None = None  # no price is told, from, to
    answered_share: float = 0.0  # of the lost replies, those that are the provider's own error
    mass_kill: float | None = None  # from then on, all die as soon as several requests are on the wire
    shared_names: bool = False  # rows ask for names that other jobs have, and people judge pictures
    reviews: int = 0  # how often people judge pictures, ask for other tries, and prune
    steered: bool = False  # people hold jobs, put them ahead, and approve canaries
    staged: str | None = None  # what a later stage takes: `all` or `accepted`
    chained: bool = False  # money is kept for what follows from jobs that were begun
    nights: int = 0  # how many later runs of the one manifest are applied
    lasting: str | None = None  # one of LASTING
    lasting_at: int = 0  # which picture or input


def prompts(run: PlannedRun) -> list[tuple[int, int, dict[str, Any]]]:
    """(number, variation, params without pictures) of every job of a run; variations ask for the same."""
    return [
        (
            number,
            variation,
            {
                "prompt": f"{run.campaign}/{run.name}/{number}",
                "resolution": run.resolution,
                "num_images": run.images,
                "output_format": "png",
            },
        )
        for number in range(run.combinations)
        for variation in range(1, run.variations + 1)
    ]
