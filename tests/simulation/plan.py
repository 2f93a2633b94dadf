"""What one seed draws: manifests, settings, the provider's moods, and how often each fault strikes."""

import random
from dataclasses import dataclass, field
from typing import Any

MODEL = "kwaivgi/kling-image-o3/edit"
UNIT = {"1k": 28_000, "2k": 28_000, "4k": 56_000}
"""The provider's price of one picture, in micros."""

PICTURE = "https://in.example/a.png"
"""What is sent along, unless it is uploaded."""

DAY = 86_400.0

FAULTS = (
    "connect_failed",
    "throttled",
    "rejected",
    "lost_not_created",
    "lost_created",
    "lost_created_late",
    "slow_reply",
    "task_failed",
    "task_moderated",
    "task_timeout",
    "task_slow",
    "nsfw",
    "fewer_outputs",
    "more_outputs",
    "no_outputs",
    "look_lost",
    "look_missing",
    "look_throttled",
    "list_failed",
    "bill_failed",
    "upload_failed",
    "upload_rejected",
    "download_transient",
    "download_gone",
    "download_bad",
    "disk_full",
    "crash",
    "kill",
    "freeze",
    "freeze_before_post",
    "database_busy",
    "database_full",
    "commit_unknown",
    "read_failed",
)

WEBHOOK_FAULTS = (
    "webhook_lost",
    "webhook_late",
    "webhook_twice",
    "webhook_tampered",
    "webhook_replayed",
)
"""What happens to the reports of a provider that is asked for them."""

BILL_FAULTS = ("bill_slides", "refund_twice", "refund_oversized", "refund_partial")
"""Records that are seen on two pages, and refunds that are not the charge."""

WINDOWS = ("outage", "no_key", "no_credit", "database_away")
"""What lasts for a while."""

LASTING = ("picture", "bill", "list", "input")
"""What stays broken for ever, when all else is well again: see `lasting`."""


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
    last_look_after: float = 12_000.0  # how long after the last refund the bill is read for the last time
    lasting: str | None = None  # one of LASTING
    lasting_at: int = 0  # which picture or input


THEMES = (
    "calm",
    "mixed",
    "mixed",
    "mixed",
    "lost",
    "lost",
    "crashes",
    "crashes",
    "caps",
    "caps",
    "zombies",
    "long",
    "restored",
)


def draw(seed: int, theme: str | None = None) -> SimulationPlan:
    """The plan of a seed; a theme can be asked for."""
    dice = random.Random(f"plan {seed}")
    chosen = dice.choice(THEMES)
    theme = theme or chosen
    lag = dice.choice((0.0, dice.uniform(0, 10), dice.uniform(10, 120), dice.uniform(120, 600)))
    runs = _runs(dice, theme)
    plan = SimulationPlan(
        seed=seed,
        theme=theme,
        runs=runs,
        caps=_caps(dice, theme, runs),
        workers=dice.choice((1, 2, 2, 3, 4)),
        grouped_writes=dice.random() < 0.5,
        hosts_see_death=dice.random() < 0.5,
        concurrency=dice.choice((1, 2, 3, 5, 300)),
        submits_per_minute=dice.choice((2, 5, 10, 500, 500)),
        lease_seconds=dice.choice((30.0, 60.0, 120.0)),
        settle_seconds=max(
            dice.choice((5.0, 60.0, 120.0)), lag + 25.0
        ),  # the longest jump of the clock included
        list_lag=lag,
        list_shows_inputs=dice.random() < 0.6,
        list_page=dice.choice((3, 10, 100)),
        bill_readable=dice.random() < 0.5,
        refund_max=dice.choice((60.0, 1800.0, 10_500.0)),
        retention_seconds=7 * DAY,
        clock_skew_ms=dice.choice((0, 0, dice.randint(-100_000, 100_000))),
        clock_jump_ms=dice.choice(
            (0, 0, 0, 0, 0, dice.randint(-70_000, -1_000), dice.randint(1_000, 20_000))
        ),
        foreign_tasks=dice.choice((0, 0, 1, 3, 8)),
        faults_until=dice.choice((dice.uniform(60, 300), dice.uniform(60, 900))),
        operator_actions=dice.choice((0, 0, 1, 3, 6)),
        on_failed=dice.choice(("hold", "hold", "hold", "release")),
        unknown_tasks=dice.choice(("stop", "ignore")),
        timezone=dice.choice(("UTC", "Europe/Berlin", "America/New_York")),
        start_ms=dice.choice((1_795_348_800_000, 1_795_391_990_000, 1_796_083_170_000, 1_774_745_940_000)),
        idle_seconds=dice.choice((5.0, 30.0, 30.0, 60.0)),
    )
    _faults(dice, plan)
    _webhooks(random.Random(f"webhooks of plan {seed}"), plan)
    _copy(random.Random(f"copy of plan {seed}"), plan)
    _lasting(random.Random(f"lasting of plan {seed}"), plan)
    _bill(random.Random(f"bill of plan {seed}"), plan)
    return plan


def _lasting(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether something never works again. Not where people must compare the store with the list to go on."""
    if plan.restored is None and not plan.copy_buys and dice.random() < 0.1:
        plan.lasting = dice.choice(LASTING)
        plan.lasting_at = dice.randrange(1000)


def _bill(dice: random.Random, plan: SimulationPlan) -> None:
    """How odd the bill is. What was kept of a partial refund only the bill tells, so there it can be read."""
    if plan.on_failed == "hold" and dice.random() < 0.5:  # refunds are seen, where else most have lapsed
        plan.last_look_after = 700.0
    if plan.theme == "calm":
        return
    plan.bill_chances = {
        kind: dice.choice((0.0, dice.uniform(0, 0.3), dice.uniform(0.3, 1.0))) for kind in BILL_FAULTS
    }
    if not plan.bill_readable or plan.lasting == "bill":
        plan.bill_chances["refund_partial"] = 0.0


def _copy(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether another copy of the store lives and buys; to this one it is no more than what the account
    shows of it."""
    if plan.theme != "calm" and dice.random() < 0.15:
        plan.copy_buys = dice.choice((1, 2, 5, 12))


def _webhooks(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether the provider reports, and what goes wrong with that: from never losing a report to losing
    all of them."""
    if dice.random() < 0.4:
        plan.webhook_wait_seconds = dice.choice((0.0, 60.0, 600.0))
        if plan.theme != "calm":
            plan.webhook_chances = {
                kind: dice.choice((0.0, dice.uniform(0, 0.2), dice.uniform(0.2, 1.0)))
                for kind in WEBHOOK_FAULTS
            }
            if (
                plan.theme == "restored" and dice.random() < 0.5
            ):  # what comes late comes to the store put back
                plan.webhook_chances["webhook_late"] = 1.0


def _runs(dice: random.Random, theme: str) -> list[PlannedRun]:
    campaigns = ["spring", "summer"][: dice.randint(1, 2)]
    count = dice.randint(1, 3)
    budget = {"long": 14, "caps": 16}.get(theme, 10)
    runs = []
    for number in range(count):
        variations = dice.choice((1, 1, 1, 2))
        runs.append(
            PlannedRun(
                campaign=dice.choice(campaigns),
                name=f"run{number}",
                priority=dice.choice((0, 0, 5)),
                max_attempts=dice.choice((1, 2, 3)),
                combinations=max(1, dice.randint(1, budget // count) // variations),
                variations=variations,
                images=dice.choice((1, 1, 2, 3)),
                resolution=dice.choice(("1k", "2k", "4k")),
                local_images=dice.random() < 0.25,
            )
        )
    return runs


def _caps(dice: random.Random, theme: str, runs: list[PlannedRun]) -> list[PlannedCap]:
    if theme != "caps" and dice.random() < 0.6:
        return []
    total = sum(run.price_micros * run.jobs for run in runs)
    caps = []
    for _ in range(dice.randint(1, 3)):
        scope = dice.choice(("account", "campaign", "run"))
        run = dice.choice(runs)
        base = {
            "account": total,
            "campaign": sum(r.price_micros * r.jobs for r in runs if r.campaign == run.campaign),
            "run": run.price_micros * run.jobs,
        }[scope]
        share = dice.choice((0.0, 0.3, 0.5, 0.8, 1.0, 1.5))
        name = {"account": "", "campaign": run.campaign, "run": run.name}[scope]
        caps.append(
            PlannedCap(
                scope=scope,
                name=name,
                window=dice.choice(("total", "total", "month", "day")),
                micros=int(base * share),
            )
        )
    return caps


_STRONG: dict[str, dict[str, float]] = {
    "calm": {},
    "mixed": {},
    "lost": {"lost_created": 0.25, "lost_not_created": 0.2, "lost_created_late": 0.15, "kill": 0.002},
    "crashes": {"crash": 0.02, "kill": 0.01},
    "caps": {"task_failed": 0.3},
    "zombies": {"freeze": 0.01, "freeze_before_post": 0.15, "slow_reply": 0.2},
    "long": {},
    "restored": {},
}

_USUAL: dict[str, float] = {
    "task_slow": 0.05,
    "crash": 0.004,
    "kill": 0.002,
    "freeze": 0.002,
    "freeze_before_post": 0.02,
    "disk_full": 0.01,
    "rejected": 0.03,
    "upload_rejected": 0.03,
    "download_gone": 0.05,
    "database_busy": 0.01,
    "database_full": 0.001,
    "commit_unknown": 0.01,
    "read_failed": 0.01,
}


def _faults(dice: random.Random, plan: SimulationPlan) -> None:
    """Switch off about half of the faults, and give the others a chance each."""
    if plan.theme != "calm":
        for kind in FAULTS:
            usual = _USUAL.get(kind, 0.08)
            if dice.random() < 0.5:
                plan.chances[kind] = usual * dice.choice((0.5, 1.0, 2.0))
        plan.chances.update(_STRONG[plan.theme])
        for kind in WINDOWS:
            if dice.random() < 0.12:
                start = dice.uniform(0, plan.faults_until)
                plan.windows.append((kind, start, start + dice.uniform(5, 200)))
        if "lost_created_late" in plan.chances:  # the settle delay must cover it: nothing else tells
            plan.settle_seconds = max(plan.settle_seconds, plan.list_lag + 60.0 + 25.0)
        plan.max_crashes = dice.choice((2, 4, 8))
    else:
        plan.clock_jump_ms = 0
    if plan.theme == "restored":
        _restored(dice, plan)
    plan.database_has_clock = dice.random() < 0.3
    if plan.theme == "long":
        at = dice.uniform(20, plan.faults_until)
        plan.long_sleep = (at, dice.choice((600.0, 4 * 3600.0, DAY, 8 * DAY)))
        plan.idle_seconds = 60.0


def _restored(dice: random.Random, plan: SimulationPlan) -> None:
    """A backup is taken while the work goes on, and put back later, when the provider's list shows what it
    lacks."""
    taken = dice.uniform(5, 120)
    plan.restored = (taken + dice.uniform(5, 300), taken)
    plan.unknown_tasks = "stop"
    plan.foreign_tasks = 0
    plan.clock_jump_ms = 0
    plan.faults_until = max(plan.faults_until, plan.restored[0] + plan.list_lag + 200)


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
