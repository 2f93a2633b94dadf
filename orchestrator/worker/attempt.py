"""What a worker holds in memory: only what is under way."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class InFlight:
    """An accepted attempt this worker looks after. The database knows all of it but the times of the
    looks.
    """

    attempt_id: int
    job_id: int
    epoch: int
    model: str
    prediction_id: str
    accepted_at: int  # ms
    number: int  # which attempt of its job this is
    images: int
    price_micros: int
    params: dict[str, Any]
    local_images: dict[str, Any]
    uploaded: bool  # every input was hosted by us
    inference_ms: int | None = None
    looks: int = 0
    running_ms: int = 0  # from acceptance to the last look that saw it still running
    missing_since: int | None = None  # ms; the provider has said 404 ever since


@dataclass(slots=True)
class Activity:
    """Counts of what is under way, for the live display and for draining."""

    preparing: set[int] = field(default_factory=set)
    submitting: set[int] = field(default_factory=set)
    in_flight: dict[int, InFlight] = field(default_factory=dict)
    fetching: set[int] = field(default_factory=set)
    stuck_on_storage: str = ""  # why files cannot be stored, while they cannot
    fetch_trouble: str = ""  # why the last download failed, while none has worked since
    fetched_at: float = 0.0  # when a download last worked or first failed, monotonic

    @property
    def attempts(self) -> frozenset[int]:
        """Every attempt that something here looks after."""
        return frozenset(self.preparing | self.submitting | self.in_flight.keys() | self.fetching)

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self.preparing or self.submitting or self.in_flight or self.fetching)

    def snapshot(self) -> dict[str, int]:
        """How many are where."""
        return {
            "preparing": len(self.preparing),
            "submitting": len(self.submitting),
            "in_flight": len(self.in_flight),
            "fetching": len(self.fetching),
        }
