"""Order and gates: nothing beyond the canary of a run is sent before it is approved, and nothing is claimed
that a person holds.
"""

from collections.abc import Sequence

from .scene import Scene


class SteeringChecks:
    """What people keep back."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._held: dict[int, int] = {}  # job: since when, in ms of the database's clock

    def held(self, job_ids: Sequence[int], at: int) -> None:
        """A person holds these jobs."""
        self._held.update(dict.fromkeys(job_ids, at))

    def released(self, job_ids: Sequence[int]) -> None:
        """He is about to let them go."""
        for job_id in job_ids:
            self._held.pop(job_id, None)

    def posted(self, attempt_id: int) -> None:
        """A POST arrives of this attempt."""
        scene = self._scene
        if not scene.plan.steered:
            return
        row = scene.row(
            "SELECT a.job_id, j.canary, r.gate_closed_at FROM attempts a JOIN jobs j ON j.id = a.job_id "
            "JOIN runs r ON r.id = j.run_id WHERE a.id = ?",
            attempt_id,
        )
        scene.expect(
            bool(row["canary"]) or row["gate_closed_at"] is None,
            "gate",
            f"job {row['job_id']} is sent before the canary of its run is approved",
        )
        scene.expect(
            row["job_id"] not in self._held, "gate", f"job {row['job_id']} is sent, and a person holds it"
        )
