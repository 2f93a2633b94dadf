"""Seeded chance: every draw is a pure function of the seed and the draw's own name.

So what happens to the third submit does not depend on how many polls came before it, and a run under
concurrency has the same faults as a run without.
"""

from collections import Counter
from hashlib import blake2b
from math import exp
from statistics import NormalDist
from typing import Final

from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.faults.script import Faults

_SPAN: Final = 2.0**64
_NORMAL: Final = NormalDist()


class Dice:
    """Named draws from one seed."""

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed)

    def unit(self, *name: object) -> float:
        """A number from 0 up to but not including 1, always the same for the same name."""
        return int.from_bytes(self._digest(name, 8), "big") / _SPAN

    def token(self, *name: object) -> str:
        """32 lowercase hex digits, always the same for the same name."""
        return self._digest(name, 16).hex()

    def log_normal(self, median: float, sigma: float, *name: object) -> float:
        """A draw from the log-normal distribution with that median; 0 when the median is 0."""
        if median <= 0 or sigma <= 0:
            return max(median, 0.0)
        chance = min(max(self.unit(*name), 1e-9), 1 - 1e-9)
        return median * exp(sigma * _NORMAL.inv_cdf(chance))

    def _digest(self, name: tuple[object, ...], size: int) -> bytes:
        text = ":".join([self._seed, *map(str, name)])
        return blake2b(text.encode(), digest_size=size).digest()


class FaultDice:
    """Decides which fault, if any, meets the next request of an operation, and counts what it decided."""

    def __init__(self, dice: Dice, faults: Faults) -> None:
        self._dice = dice
        self.requests: Counter[str] = Counter()
        self.fired: Counter[Fault] = Counter()
        self.use(faults)

    def use(self, faults: Faults) -> None:
        """Ask for these faults from now on; requests keep their count."""
        self.faults = faults
        self._operations = {fault.operation for fault, rate in faults.rates.items() if rate > 0}
        self._operations |= {entry.operation for entry in faults.script}

    def restart_count(self) -> None:
        """The next request of each operation is again the first."""
        self.requests.clear()

    def pick(self, operation: str) -> Fault | None:
        """The fault of the next request: the first scripted one that hits, else one by rate, else none."""
        self.requests[operation] += 1
        if operation not in self._operations:
            return None
        fault = self._choose(operation, self.requests[operation])
        if fault is not None:
            self.fired[fault] += 1
        return fault

    def _choose(self, operation: str, count: int) -> Fault | None:
        for entry in self.faults.script:
            if entry.operation == operation and entry.hits(count):
                return entry.fault
        drawn = self._dice.unit("fault", operation, count)
        for fault, rate in self.faults.rates.items():
            if fault.operation == operation:
                if drawn < rate:
                    return fault
                drawn -= rate
        return None
