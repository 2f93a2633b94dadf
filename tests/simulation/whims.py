"""What the provider does that nobody can foresee: which fault strikes, and how a task ends."""

import random
from dataclasses import dataclass
from typing import Any

from .bought import REFUSALS
from .plan import SimulationPlan
from .timeline import Timeline

NEVER = float("inf")


@dataclass
class Whims:
    """The dice of the provider. Each kind has its own, so that a new fault leaves the histories of the
    others as they were."""

    plan: SimulationPlan
    timeline: Timeline
    now: Any
    quiet: bool = False  # the faults are over

    def __post_init__(self) -> None:
        self._dice = random.Random(f"account {self.plan.seed}")
        self._answer_dice = random.Random(f"answers {self.plan.seed}")
        self._bill_dice = random.Random(f"bill {self.plan.seed}")
        self._ending_dice = random.Random(f"endings {self.plan.seed}")
        self._refused: dict[str, str] = {}  # prompt -> the words

    def strike(self, kind: str) -> bool:
        """Whether this fault happens now."""
        chance = self.plan.chances.get(kind, 0.0)
        if self.quiet or not chance or self._dice.random() >= chance:
            return False
        self.timeline.fault("provider", kind)
        return True

    def strike_bill(self, kind: str) -> bool:
        """The same for the bill's own oddities, which go on when the faults are over: the provider is so."""
        chance = self.plan.bill_chances.get(kind, 0.0)
        if not chance or self._bill_dice.random() >= chance:
            return False
        self.timeline.fault("provider", kind)
        return True

    def strike_ending(self, kind: str) -> bool:
        """The same for the odd ways in which tasks end."""
        chance = self.plan.ending_chances.get(kind, 0.0)
        if self.quiet or not chance or self._ending_dice.random() >= chance:
            return False
        self.timeline.fault("provider", kind)
        return True

    def answers(self) -> bool:
        """Whether a lost reply is the provider's own error, after which nothing more is created."""
        return self._answer_dice.random() < self.plan.answered_share

    def slides(self, size: int) -> int:
        """By how many records the bill has moved on since its last page was read: never by a whole page."""
        return self._bill_dice.randrange(1, size) if self.strike_bill("bill_slides") else 0

    def lasts(self, kind: str) -> bool:
        """Whether this is what stays broken for ever."""
        if self.plan.lasting != kind:
            return False
        self.timeline.faults[f"lasting_{kind}"] += 1
        return True

    def uniform(self, low: float, high: float) -> float:
        return self._dice.uniform(low, high)

    def mood(self) -> str | None:
        """What is wrong with the whole account at this moment: outage, no_key, no_credit, or None."""
        return next((kind for kind in ("outage", "no_key", "no_credit") if self.during(kind)), None)

    def refuses_key_of(self, process: str) -> bool:
        """Whether the key is refused at this moment: everybody's, or that of this process alone."""
        if self.mood() == "no_key":
            return True
        if self.quiet or self.plan.bad_key is None:
            return False
        number, start, end = self.plan.bad_key
        found = process.startswith(f"w{number}.") and start <= self.now() < end
        self.timeline.faults["bad_key"] += found
        return found

    def during(self, kind: str) -> bool:
        """Whether something that lasts for a while lasts now."""
        now = self.now()
        found = not self.quiet and any(
            name == kind and start <= now < end for name, start, end in self.plan.windows
        )
        self.timeline.faults[kind] += found
        return found

    def tells_no_price(self) -> bool:
        """Whether whoever asks for a price gets no answer at this moment."""
        if self.quiet or self.plan.price_silence is None:
            return False
        start, end = self.plan.price_silence
        found = bool(start <= self.now() < end)
        self.timeline.faults["no_price_told"] += found
        return found

    def latency(self, fate: str) -> float:
        usual = self._dice.uniform(2, 40)
        if self.strike("task_slow"):
            usual = self._dice.uniform(300, 1500)
        return NEVER if fate == "stuck" else usual

    def fate(self, prompt: str, *, foreign: bool) -> tuple[str, int | None, str]:
        """How a task ends. A prompt that was refused once is refused each time."""
        if foreign:
            return "completed", None, ""
        if prompt in self._refused:
            return "failed", 1403, self._refused[prompt]
        if self.strike("task_failed"):
            return "failed", self._dice.choice((5000, 5003, 1405, 1402, None)), "the task failed"
        if self.strike("task_moderated"):
            return "failed", 1200, "content flagged as potentially sensitive"
        if self.strike("task_timeout"):
            return self._dice.choice(("timeout", "cancelled")), None, "gave up"
        if self.strike("no_outputs"):
            return "empty", None, ""
        if self.strike_ending("never_ends"):
            return "stuck", None, ""
        if self.strike_ending("upstream_refusal"):
            self._refused[prompt] = self._ending_dice.choice(REFUSALS)
            return "failed", self._ending_dice.choice((1403, 1405, None)), self._refused[prompt]
        return "completed", None, ""

    def refunds(self, price: int) -> tuple[int, ...]:
        """What is paid back of a charge: all of it, or too little, too much, or all of it twice."""
        if self.strike_bill("refund_twice"):
            return price, price
        if self.strike_bill("refund_oversized"):
            return (price + self._bill_dice.randrange(1, 2 * price),)
        return (self._bill_dice.randrange(1, price),) if self.strike_bill("refund_partial") else (price,)

    def outputs(self, images: int) -> int:
        if images > 1 and self.strike("fewer_outputs"):
            return images - 1
        return images + 1 if self.strike("more_outputs") else images
