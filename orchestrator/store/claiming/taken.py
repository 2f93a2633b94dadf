"""What one claim has taken so far, counted under each cap."""

from dataclasses import dataclass

from orchestrator.store.claiming.chains import LanePart
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.money.caps import BalanceKey


@dataclass(frozen=True, slots=True)
class Selected:
    """A job that the claim takes."""

    lane: Lane
    job_id: int
    round: int
    attempts: int
    images: int
    needs: bool = False  # it takes the picture of another job
    follow_micros: int = 0  # what follows from it, where money is kept for that


class Taken:
    """What one claim has taken so far, counted under each cap."""

    def __init__(self) -> None:
        self._spent: dict[BalanceKey, int] = {}
        self._bound: dict[BalanceKey, int] = {}  # the same, and what is kept from now on for what follows
        self._stuck: set[int] = set()  # lanes whose next chain does not fit: none after it is begun

    def admits(self, lane: Lane) -> bool:
        """Whether every cap admits the next job of this lane."""
        return not lane.blockers(self._counted(lane))

    def admits_job(self, job: Selected) -> bool:
        """Whether every cap admits this job; where it begins a chain, with all that follows from it."""
        if job.lane.part is not LanePart.FIRST:
            return self.admits(job.lane)
        if job.lane.id in self._stuck:
            return False
        fits = not job.lane.blockers(self._bound, job.follow_micros)
        if not fits:
            self._stuck.add(job.lane.id)
        return fits

    def is_stuck(self, lane: Lane) -> bool:
        """Whether nothing more of it is begun in this claim."""
        return lane.part is LanePart.FIRST and lane.id in self._stuck

    def add(self, job: Selected) -> None:
        """Count this job. One that follows spends what was kept for it."""
        price = job.lane.price_micros
        bound = 0 if job.lane.part is LanePart.FOLLOWING else price + job.follow_micros
        for cap in job.lane.caps:
            self._spent[cap.key] = self._spent.get(cap.key, 0) + price
            self._bound[cap.key] = self._bound.get(cap.key, 0) + bound

    def _counted(self, lane: Lane) -> dict[BalanceKey, int]:
        return self._spent if lane.part is LanePart.FOLLOWING else self._bound
