"""The provider's price from moment to moment: discounts come, go and change, and a list price rises."""

import random
from collections.abc import Callable, Mapping
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
