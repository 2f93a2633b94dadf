"""Which attempts a worker has under way, and where."""

from dataclasses import dataclass, field

from orchestrator.store.attempts.held import HeldAttempt


class Holdings(dict[int, int]):
    """Attempts that are looked after in one place: by id, the epoch under which each was taken up last.

    A worker may take over what it had before: it was suspended, and another took it in between. Then two
    parts of it follow one attempt, and the end of the earlier one must not hide that the later one goes on:
    the attempt would be taken for unowned, taken over, and begun anew, for ever.
    """

    def begin(self, attempt: HeldAttempt) -> None:
        """It is looked after from now on, under its epoch."""
        self[attempt.attempt_id] = attempt.epoch

    def end(self, attempt: HeldAttempt) -> None:
        """It is no longer looked after under its epoch; under a later one it may be."""
        if self.holds(attempt):
            del self[attempt.attempt_id]

    def holds(self, attempt: HeldAttempt) -> bool:
        """Whether it was taken up last under this epoch."""
        return self.get(attempt.attempt_id) == attempt.epoch


@dataclass(slots=True)
class Activity:
    """Ids of the attempts under way, for the live display and for draining."""

    preparing: set[int] = field(default_factory=set)
    submitting: set[int] = field(default_factory=set)
    in_flight: Holdings = field(default_factory=Holdings)
    fetching: Holdings = field(default_factory=Holdings)
    overdue: Holdings = field(default_factory=Holdings)  # in flight still, and waited for by nobody
    download_trouble: str = ""  # why the last download failed; empty when it worked
    concurrency: int | None = None
    """Tasks at once that the whole fleet was allowed at the last claim; None before the first."""

    @property
    def attempts(self) -> frozenset[int]:
        """Every attempt that some part of this worker looks after."""
        return frozenset().union(self.preparing, self.submitting, self.in_flight, self.fetching, self.overdue)

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

    def follow(self, attempt: HeldAttempt) -> None:
        """Its task is polled from now on."""
        self.overdue.pop(attempt.attempt_id, None)
        self.in_flight.begin(attempt)

    def follows(self, attempt: HeldAttempt) -> bool:
        """Whether its task is to be polled under this epoch, not under a later one nor by others."""
        return self.in_flight.holds(attempt) or self.overdue.holds(attempt)

    def set_aside(self, attempt: HeldAttempt) -> None:
        """The attempt is in flight, and a person's: nobody waits for it."""
        if self.in_flight.holds(attempt):
            self.in_flight.end(attempt)
            self.overdue.begin(attempt)

    def no_longer_in_flight(self, attempt: HeldAttempt) -> None:
        """Its task has ended, or is left to others."""
        self.in_flight.end(attempt)
        self.overdue.end(attempt)
