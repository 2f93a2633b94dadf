"""The end: every job is over, or stopped for a reason that is told."""

from collections import Counter
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
        } | {row["job_id"] for row in attempts if row["state"] == "in_flight" and row["overdue_at"]}
        stopped = stopped or self._waits_for_the_list()
        for job in jobs:
            if job["state"] == "pending" and job["reason"] != "needs_picture":
                scene.expect(stopped, "10", f"job {job['id']} is pending and nothing says why")
            if job["state"] == "running":
                scene.expect(job["id"] in waiting, "10", f"job {job['id']} is running long after the faults")
        wrong = wrong_with(jobs, attempts, scene.account.lost)
        scene.expect(not wrong, "10", "; ".join(wrong))
        self._in_flight_has_a_voice(attempts)
        self._no_outputs_means_none(attempts)
        self._refused_is_sent_once(attempts)

    def _in_flight_has_a_voice(self, attempts: Sequence[Row]) -> None:
        """What is in flight when all is well has a task that never ends, and says what the provider says."""
        for row in attempts:
            if row["state"] == "in_flight":
                stuck = self._scene.account.tasks[row["prediction_id"]].fate == "stuck"
                self._scene.expect(stuck, "11", f"attempt {row['id']} is in flight, and its task has ended")
                self._scene.expect(
                    bool(row["trouble"]), "11", f"attempt {row['id']} does not say why it waits"
                )

    def _no_outputs_means_none(self, attempts: Sequence[Row]) -> None:
        """A paid picture is not given up because it was slow to show."""
        for row in attempts:
            task = self._scene.account.tasks.get(row["prediction_id"] or "")
            if row["reason"] == "no_outputs" and task is not None:
                self._scene.expect(
                    task.fate == "empty",
                    "11",
                    f"attempt {row['id']} gave up task {task.id}, which has outputs",
                )

    def _refused_is_sent_once(self, attempts: Sequence[Row]) -> None:
        """What would be refused each time is sent again only when a person says so."""
        scene = self._scene
        refused = Counter(
            row["job_id"]
            for row in attempts
            if row["prediction_id"] in scene.account.tasks
            and scene.account.tasks[row["prediction_id"]].refused
        )
        asked = Counter(
            row["job_id"] for row in scene.rows("SELECT job_id FROM events WHERE kind = 'retried'")
        )
        for job, times in refused.items():
            scene.expect(times <= 1 + asked[job], "11", f"job {job} was refused {times} times by its text")

    def _waits_for_the_list(self) -> bool:
        """Whether it can never be read, and a pause says so; one that ends by itself may have ended a
        moment ago."""
        told = self._scene.rows("SELECT 1 FROM pauses WHERE reason = 'list_unreadable' AND message <> ''")
        return self._scene.plan.lasting == "list" and bool(told)
