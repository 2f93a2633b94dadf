"""How the plan of a seed is drawn: the order in which the dice are thrown is part of the seed."""

import random

from .drawing_batches import draw_caps, draw_runs
from .faults import (
    BILL_FAULTS,
    ENDING_FAULTS,
    FAULTS,
    LASTING,
    STRONG,
    THEMES,
    USUAL,
    WEBHOOK_FAULTS,
    WINDOWS,
)
from .plan import DAY, PlannedFile, SimulationPlan
from .prices import draw_prices


def draw(seed: int, theme: str | None = None) -> SimulationPlan:
    """The plan of a seed; a theme can be asked for."""
    dice = random.Random(f"plan {seed}")
    chosen = dice.choice(THEMES)
    theme = theme or chosen
    lag = dice.choice((0.0, dice.uniform(0, 10), dice.uniform(10, 120), dice.uniform(120, 600)))
    runs = draw_runs(dice, theme)
    plan = SimulationPlan(
        seed=seed,
        theme=theme,
        runs=runs,
        caps=draw_caps(dice, theme, runs),
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
    _since(seed, plan)
    return plan


def _since(seed: int, plan: SimulationPlan) -> None:
    """What came later, each with dice of its own: the seeds of before kept the rest of their plans."""
    _webhooks(random.Random(f"webhooks of plan {seed}"), plan)
    _copy(random.Random(f"copy of plan {seed}"), plan)
    _lasting(random.Random(f"lasting of plan {seed}"), plan)
    _bill(random.Random(f"bill of plan {seed}"), plan)
    _key(random.Random(f"key of plan {seed}"), plan)
    _endings(random.Random(f"endings of plan {seed}"), plan)
    _files(random.Random(f"files of plan {seed}"), plan)
    draw_prices(random.Random(f"prices of plan {seed}"), plan)
    _odd_amounts(random.Random(f"amounts of plan {seed}"), plan)
    _answers(random.Random(f"answers of plan {seed}"), plan)
    _reviews(random.Random(f"reviews of plan {seed}"), plan)


def _reviews(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether people choose among the pictures. The bench has no input picture that can be looked at."""
    if plan.theme != "choosing":
        return
    plan.reviews = dice.choice((4, 8, 16))
    plan.copy_buys, plan.lasting = 0, None
    for run in plan.runs:
        run.local_images = False


def _endings(dice: random.Random, plan: SimulationPlan) -> None:
    """How odd the ends of tasks are. One that never ends is not told from one of a copy or a backup."""
    if plan.theme == "calm" or dice.random() < 0.5:
        return
    plan.ending_chances = {kind: dice.choice((0.0, dice.uniform(0, 0.3))) for kind in ENDING_FAULTS}
    if plan.restored is not None or plan.copy_buys:
        plan.ending_chances["never_ends"] = 0.0


def _files(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether workers come with configurations of their own. Not where a backup brings back older words."""
    if plan.restored is None and dice.random() < {"caps": 0.6, "mixed": 0.2}.get(plan.theme, 0.0):
        plan.files = [
            PlannedFile(
                caps=dice.choice((None, 0.5, 0.9, 2.0, 5.0)), limits=dice.choice((None, 0.5, 1.0, 3.0, 10.0))
            )
            for _ in range(dice.choice((1, 2, 3)))
        ]


def _answers(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether lost replies are answers of the provider itself, and whether all workers die together."""
    if plan.theme != "calm":
        plan.answered_share = dice.choice((0.0, 0.0, 0.5, 1.0))
    if plan.theme in {"crashes", "lost"} and plan.concurrency > 1 and dice.random() < 0.25:
        plan.mass_kill = dice.uniform(0, 60)


def _key(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether one of several workers has a wrong key for a while, from its beginning or later."""
    if plan.theme != "calm" and plan.workers > 1 and dice.random() < 0.25:
        since = dice.choice((0.0, dice.uniform(0, plan.faults_until)))
        plan.bad_key = (dice.randrange(plan.workers), since, since + dice.uniform(20, 600))


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


def _odd_amounts(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether the bill is unlike the quote, or in another unit. What only the bill tells is told where it can
    be read.
    """
    if plan.theme == "calm":
        return
    plan.other_charges = dice.choice((0, 0, 1, 7))
    tells = plan.bill_readable and plan.lasting != "bill" and not plan.price_changes
    if tells and plan.on_failed == "hold" and dice.random() < 0.5:
        plan.charge_percent = dice.choice((50, 101, 150, 200, 200))
        plan.charged_from = dice.choice((0.0, dice.uniform(0, 120)))
    elif dice.random() < 0.3:
        plan.bill_percent = dice.choice((1, 1, 10_000))


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


def _faults(dice: random.Random, plan: SimulationPlan) -> None:
    """Switch off about half of the faults, and give the others a chance each."""
    if plan.theme != "calm":
        for kind in FAULTS:
            usual = USUAL.get(kind, 0.08)
            if dice.random() < 0.5:
                plan.chances[kind] = usual * dice.choice((0.5, 1.0, 2.0))
        plan.chances.update(STRONG[plan.theme])
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
