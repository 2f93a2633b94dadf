"""The provider's price from moment to moment: discounts come, go and change, and a list price rises."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .plan import UNIT, SimulationPlan

HONOURED_SECONDS = 300.0
"""What was quoted is charged for so long: whoever asks no less often is never charged more than that."""

PERCENTS = (25, 50, 50, 75, 100, 100, 101, 150, 200)
"""Of the list price, which is what the catalogue says."""


def draw_prices(dice: random.Random, plan: SimulationPlan) -> None:
    """When the price changes, and to what. Only where the bill can be read, because who was quoted before a
    price fell holds too much until then.
    """
    if plan.theme == "calm" or not plan.bill_readable or plan.lasting == "bill" or dice.random() < 0.5:
        return
    first = [(0.0, dice.choice(PERCENTS))] if dice.random() < 0.4 else []
    later = [(dice.uniform(0, plan.faults_until), dice.choice(PERCENTS)) for _ in range(dice.randint(1, 4))]
    plan.price_changes = first + sorted(later)


def draw_silence(dice: random.Random, plan: SimulationPlan) -> None:
    """Whether no price is told for a while, where a backup brings back what was known of an older one."""
    if plan.theme == "restored" and plan.price_changes and dice.random() < 0.5:
        start = dice.uniform(0, plan.faults_until)
        plan.price_silence = (start, start + dice.uniform(20, 400))


def rising_prices(dice: random.Random, plan: SimulationPlan) -> None:
    """A world that buys slowly under prices that rise, so that what a worker has asked for grows old."""
    run = replace(plan.runs[0], combinations=16, variations=1, images=1, local_images=False)
    plan.runs, plan.caps, plan.files = [run], [], []
    plan.workers = dice.choice((1, 1, 2))
    plan.concurrency, plan.submits_per_minute = 2, 2
    plan.faults_until = 900.0
    plan.bill_readable, plan.bill_percent, plan.charge_percent = True, 100, 100
    plan.windows, plan.lasting, plan.bad_key, plan.restored, plan.copy_buys = [], None, None, None, 0
    rises = sorted(dice.uniform(5, 500) for _ in range(dice.choice((1, 2))))
    percents = sorted(dice.sample((25, 50, 75, 100), len(rises) + 1))
    plan.price_changes = list(zip((0.0, *rises), percents, strict=True))
    if dice.random() < 0.5:
        start = rises[-1] + dice.uniform(0, 400)
        plan.price_silence = (start, start + dice.uniform(100, 500))


class Prices:
    """What a call costs, by the inputs."""

    def __init__(self, plan: SimulationPlan, now: Callable[[], float]) -> None:
        self._changes = [(float("-inf"), 100), *plan.price_changes]
        self._now = now

    def quoted(self, inputs: Mapping[str, Any]) -> int:
        """What the provider says now."""
        return self._micros(inputs, self._percents(self._now())[-1])

    def charged(self, inputs: Mapping[str, Any]) -> int:
        """What it takes now: the least that it has quoted of late."""
        return self._micros(inputs, min(self._percents(self._now() - HONOURED_SECONDS)))

    def dearest_percent(self) -> int:
        """The dearest price so far."""
        return max(percent for at, percent in self._changes if at <= self._now())

    def _percents(self, since: float) -> list[int]:
        """The one in force then, and those that came after it."""
        now = self._now()
        before = [percent for at, percent in self._changes if at <= since]
        return [before[-1], *(percent for at, percent in self._changes if since < at <= now)]

    def _micros(self, inputs: Mapping[str, Any], percent: int) -> int:
        return UNIT[inputs["resolution"]] * int(inputs["num_images"]) * percent // 100
