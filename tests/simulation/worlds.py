"""Worlds that are asked for by their theme, each made to show one thing that chance shows too seldom."""

import random
from collections.abc import Callable
from dataclasses import replace

from .plan import PlannedCap, SimulationPlan
from .prices import rising_prices


def lone_losses(dice: random.Random, plan: SimulationPlan) -> None:
    """One request at a time, of an account of our own: the list alone explains whatever was lost, though it
    shows no inputs, and no person is to be asked."""
    _plain(plan)
    plan.workers = plan.concurrency = 1
    plan.foreign_tasks = plan.operator_actions = 0
    plan.list_shows_inputs = plan.bill_readable = False
    plan.list_lag = dice.uniform(0, 20)
    plan.settle_seconds = 120.0
    plan.webhook_wait_seconds = None
    plan.answered_share, plan.clock_skew_ms, plan.clock_jump_ms = 0.0, 0, 0


def bill_before_list(dice: random.Random, plan: SimulationPlan) -> None:
    """Others use the account, and the bill shows their tasks long before the list says what they are."""
    _plain(plan)
    plan.workers = 1
    plan.foreign_tasks = 30
    plan.list_shows_inputs = plan.bill_readable = True
    plan.list_lag = dice.uniform(80, 200)
    plan.settle_seconds = plan.list_lag + 25.0
    plan.webhook_wait_seconds = None
    plan.clock_skew_ms = plan.clock_jump_ms = 0


def steered(dice: random.Random, plan: SimulationPlan) -> None:
    """People change the order of what waits, under crashes and lost replies."""
    run = replace(plan.runs[0], variations=1, images=1, local_images=False)
    plan.runs = [replace(run, name=name, combinations=dice.randint(3, 5)) for name in ("one", "two")]
    plan.caps, plan.files, plan.operator_actions = [], [], 0
    plan.lasting, plan.restored, plan.copy_buys = None, None, 0
    plan.faults_until = max(plan.faults_until, 400.0)
    plan.workers, plan.steered = min(plan.workers, 2), True


def staged(dice: random.Random, plan: SimulationPlan) -> None:
    """A later stage takes the pictures of the first, and people choose among those while they are made; half
    of the plans keep money for whole chains, and another run spends under the same cap.
    """
    run = replace(plan.runs[0], variations=1, resolution="1k", local_images=False)
    plan.runs = [
        replace(run, name=name, combinations=dice.randint(2, 4), images=dice.choice((1, 2)))
        for name in ("one", "two")
    ]
    plan.staged, plan.chained = dice.choice(("all", "accepted")), dice.random() < 0.5
    plan.caps, plan.files, plan.operator_actions = [], [], dice.choice((0, 3))
    if plan.chained:
        plan.caps = [PlannedCap("account", "", window="total", micros=28_000 * dice.randint(4, 14))]
        plan.operator_actions = 0
    plan.lasting, plan.restored, plan.copy_buys, plan.price_changes = None, None, 0, []
    plan.charge_percent = plan.bill_percent = 100
    plan.reviews, plan.faults_until = dice.choice((20, 40)), 900.0
    plan.workers, plan.submits_per_minute = max(2, min(plan.workers, 3)), 500
    plan.clock_jump_ms, plan.bad_key, plan.mass_kill = 0, None, None
    plan.chances["nsfw"] = 0.4


def nights(dice: random.Random, plan: SimulationPlan) -> None:
    """A manifest is applied night after night, while what it asked for before is made, doubted, rejected and
    asked for again.
    """
    run = replace(plan.runs[0], variations=1, local_images=False)
    plan.runs = [replace(run, combinations=dice.randint(4, 8), images=dice.choice((1, 1, 2)))]
    plan.nights, plan.reviews = dice.choice((2, 3)), dice.choice((12, 24))
    plan.caps, plan.files, plan.operator_actions = [], [], 0
    plan.lasting, plan.restored, plan.copy_buys = None, None, 0
    plan.faults_until = max(plan.faults_until, 600.0)
    plan.workers, plan.concurrency = min(plan.workers, 3), dice.choice((1, 1, 3))
    plan.submits_per_minute = dice.choice((2, 5, 500))


def _plain(plan: SimulationPlan) -> None:
    """Ten jobs for which nothing else is odd."""
    plan.runs = [replace(plan.runs[0], combinations=10, variations=1, images=1, local_images=False)]
    plan.caps, plan.files, plan.windows, plan.price_changes = [], [], [], []
    plan.submits_per_minute, plan.faults_until = 500, 600.0
    plan.lasting, plan.bad_key, plan.restored, plan.mass_kill = None, None, None, None
    plan.copy_buys, plan.bill_percent, plan.charge_percent = 0, 100, 100
    plan.ending_chances, plan.bill_chances = {}, {}


WORLDS: dict[str, Callable[[random.Random, SimulationPlan], None]] = {
    "prices": rising_prices,
    "alone": lone_losses,
    "billed": bill_before_list,
    "steered": steered,
    "staged": staged,
    "nights": nights,
}
"""By theme: what makes its world of a plan."""
