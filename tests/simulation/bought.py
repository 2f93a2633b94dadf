"""What an account has bought: a task for each accepted POST, and the lines of the bill."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REFUSALS = ("Failure to pass the risk control system", "Image dimensions must be at least 300px")


@dataclass
class SimulatedTask:
    """One accepted POST, ours or another user's of the account."""

    id: str
    prompt: str
    inputs: Mapping[str, Any]
    price: int
    created: float
    visible: float  # when the list shows it
    ends: float
    fate: str  # completed | failed | timeout | cancelled | empty
    code: int | None
    error: str
    outputs: int
    nsfw: tuple[bool | None, ...]
    inference_ms: int
    foreign: bool = False
    by_copy: bool = False  # foreign, and bought by another live copy of our store for one of our jobs
    refund_at: float | None = None
    refunds: tuple[int, ...] = ()  # what is paid back then, each in a record of its own
    attempt_id: int | None = None  # of ours; known to the checker alone
    late: float = 0.0  # how long after it has completed it shows its outputs
    odd: bool = False  # it runs under a word that nobody knows
    token: str | None = None  # in the URL to report it to; None when there is none

    @property
    def refused(self) -> bool:
        """Whether the same request would be refused each time, by what its text says."""
        return self.error in REFUSALS

    @property
    def paid_for(self) -> bool:
        """Whether the provider keeps the money and owes pictures: another such task is paid twice."""
        return self.fate == "completed"


@dataclass
class Charge:
    """One line of the bill."""

    id: str
    task_id: str
    kind: str  # deduct | refund
    micros: int
    at: float
    foreign: bool
