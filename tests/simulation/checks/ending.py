"""The end: every job is over, or stopped for a reason that is told."""

from collections.abc import Sequence

from ..lasting import UNREADABLE, wrong_with
from ..watch import Row
from .scene import Scene


class EndingChecks:
    """What may be left when the faults are over."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settled(self, jobs: Sequence[Row], attempts: Sequence[Row], *, stopped: bool) -> None:
        scene = self._scene
        waiting = {
            row["job_id"]
            for row in attempts
            if row["state"] == "in_doubt"
            and (row["reason"] == "ambiguous" or scene.plan.lasting in UNREADABLE)
        }
        stopped = stopped or self._waits_for_the_list()
        for job in jobs:
            if job["state"] == "pending":
                scene.expect(stopped, "10", f"job {job['id']} is pending and nothing says why")
            if job["state"] == "running":
                scene.expect(job["id"] in waiting, "10", f"job {job['id']} is running long after the faults")
        wrong = wrong_with(jobs, attempts, scene.account.lost)
        scene.expect(not wrong, "10", "; ".join(wrong))

    def _waits_for_the_list(self) -> bool:
        """Whether it can never be read, and a pause says so; one that ends by itself may have ended a
        moment ago."""
        told = self._scene.rows("SELECT 1 FROM pauses WHERE reason = 'list_unreadable' AND message <> ''")
        return self._scene.plan.lasting == "list" and bool(told)
