"""Which attempts a worker has under way, and where."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Activity:
    """Ids of the attempts under way, for the live display and for draining."""

    preparing: set[int] = field(default_factory=set)
    submitting: set[int] = field(default_factory=set)
    in_flight: set[int] = field(default_factory=set)
    fetching: set[int] = field(default_factory=set)
    concurrency: int | None = None
    """Tasks at once that the whole fleet was allowed at the last claim; None before the first."""

    @property
    def attempts(self) -> frozenset[int]:
        """Every attempt that some part of this worker looks after."""
        return frozenset(self.preparing | self.submitting | self.in_flight | self.fetching)

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self.preparing or self.submitting or self.in_flight or self.fetching)

    def snapshot(self) -> dict[str, int]:
        """How many attempts are where."""
        return {
            "preparing": len(self.preparing),
            "submitting": len(self.submitting),
            "in_flight": len(self.in_flight),
            "fetching": len(self.fetching),
        }
