"""Faults on demand, as data: what can go wrong, how often, and at which request."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.errors import UsageError
from orchestrator.sandbox.faults.names import COMMON, Fault


@dataclass(frozen=True, slots=True)
class Scripted:
    """A fault at chosen requests of an operation, counted from 1: the nth, the nth to the last, or every
    nth.
    """

    operation: str
    nth: int
    fault: Fault
    last: int | None = None
    every: bool = False

    def __post_init__(self) -> None:
        if self.operation != self.fault.operation:
            raise UsageError(
                f"the fault {self.fault} happens to {self.fault.operation}, not to {self.operation}"
            )
        if self.nth < 1 or (self.last is not None and self.last < self.nth):
            raise UsageError(f"requests are counted from 1 upward; {self.fault} is asked for at {self.nth}")

    def hits(self, count: int) -> bool:
        """Whether the `count`-th request of the operation is chosen."""
        if self.every:
            return count % self.nth == 0
        return self.nth <= count <= (self.last or self.nth)


@dataclass(frozen=True)
class Faults:
    """How often each fault happens, and at which requests for certain; the script goes before the rates."""

    rates: Mapping[Fault, float] = field(default_factory=dict)
    script: tuple[Scripted, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "script", tuple(self.script))
        sums: dict[str, float] = {}
        for fault, rate in self.rates.items():
            if not 0 <= rate <= 1:
                raise UsageError(f"the rate of {fault} is a number from 0 to 1, not {rate}")
            sums[fault.operation] = sums.get(fault.operation, 0.0) + rate
        for operation, total in sums.items():
            if total > 1 + 1e-9:
                raise UsageError(f"the fault rates of {operation} add up to {total:g}, which is more than 1")


_FAULT_TEXT: Final = re.compile(
    r"^(?P<name>[a-z0-9_.]+)"
    r"(?:=(?P<rate>[0-9]*\.?[0-9]+)|@(?P<nth>\d+)(?:-(?P<last>\d+))?|%(?P<every>\d+))$"
)


def parse_faults(texts: Iterable[str]) -> Faults:
    """Faults of command-line words; raises UsageError for one that cannot be read.

    `submit.drop_after=0.05` is a rate, `submit.drop_after@3` the third submit, `submit.error_500@2-4` the
    second to the fourth, `download.corrupt%5` every fifth download. `common=0.05` is that rate for one or a
    few faults of each kind; a rate written after it wins.
    """
    rates: dict[Fault, float] = {}
    script: list[Scripted] = []
    for text in texts:
        match = _FAULT_TEXT.match(text.strip())
        if match is None:
            raise UsageError(
                f"{text!r} is not a fault; write NAME=RATE, NAME@N, NAME@FIRST-LAST or NAME%N,"
                " such as submit.drop_after=0.05"
            )
        if match["name"] == "common" and match["rate"] is not None:
            rates |= dict.fromkeys(COMMON, float(match["rate"]))
            continue
        fault = _fault_named(match["name"])
        if match["rate"] is not None:
            rates[fault] = float(match["rate"])
        elif match["every"] is not None:
            script.append(Scripted(fault.operation, int(match["every"]), fault, every=True))
        else:
            last = int(match["last"]) if match["last"] else None
            script.append(Scripted(fault.operation, int(match["nth"]), fault, last=last))
    return Faults(rates, tuple(script))


def _fault_named(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        operation = name.partition(".")[0]
        near = [fault.value for fault in Fault if fault.operation == operation] or [
            fault.value for fault in Fault
        ]
        raise UsageError(f"there is no fault {name!r}; there are {', '.join(near)}") from None
