"""Which attempts a worker has under way, and where."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Activity:
    """Ids of the attempts under way, for the live display and for draining."""

    preparing: set[int] = field(default_factory=set)
    submitting: set[int] = field(default_factory=set)
    in_flight: set[int] = field(default_factory=set)
    fetching: set[int] = field(default_factory=set)
    overdue: set[int] = field(default_factory=set)  # in flight still, and waited for by nobody
    download_trouble: str = ""  # why the last download failed; empty when it worked
    concurrency: int | None = None
    """Tasks at once that the whole fleet was allowed at the last claim; None before the first."""

    @property
    def attempts(self) -> frozenset[int]:
        """Every attempt that some part of this worker looks after."""
        return frozenset(self.preparing | self.submitting | self.in_flight | self.fetching | self.overdue)

    @property
    def busy(self) -> bool:
        """Whether anything is under way that is waited for."""
        return bool(self.preparing or self.submitting or self.in_flight or self.fetching)

    @property
    def handling(self) -> bool:
        """Whether anything is under way here, rather than at the provider: requests, uploads, downloads."""
        return bool(self.preparing or self.submitting or self.fetching)

    def snapshot(self) -> dict[str, int | str]:
        """How many attempts are where, and what keeps pictures from being downloaded."""
        return {
            "preparing": len(self.preparing),
            "submitting": len(self.submitting),
            "in_flight": len(self.in_flight),
            "fetching": len(self.fetching),
            "overdue": len(self.overdue),
            "download_trouble": self.download_trouble,
        }

    def set_aside(self, attempt_id: int) -> None:
        """The attempt is in flight, and a person's: nobody waits for it."""
        self.in_flight.discard(attempt_id)
        self.overdue.add(attempt_id)

    def no_longer_in_flight(self, attempt_id: int) -> None:
        """Its task has ended."""
        self.in_flight.discard(attempt_id)
        self.overdue.discard(attempt_id)
