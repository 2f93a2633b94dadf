"""Webhooks: one that is forged or old is not believed, and what a true one says about a doubt is acted
upon."""

from collections.abc import Sequence

from ..bought import SimulatedTask
from ..watch import Row
from .scene import Scene


class WebhookChecks:
    """Reports that the receiver answered with 200."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._told: dict[str, int] = {}  # task -> attempt that was in doubt when a webhook told of it

    def restored(self) -> None:
        """A database that was put back knows of no report since."""
        self._told.clear()

    def hears(self, task: SimulatedTask) -> int | None:
        """A true report is about to arrive: the attempt whose doubt it can end."""
        if not task.token:
            return None
        rows = self._scene.rows(
            "SELECT id FROM attempts WHERE token = ? AND state IN ('submitting', 'in_doubt')", task.token
        )
        return int(rows[0]["id"]) if rows else None

    def heard(self, task: SimulatedTask, attempt: int | None, *, believable: bool) -> None:
        """A report was answered with 200: it is evidence from now on, and if it is forged or old, it must
        not be."""
        self._scene.expect(
            believable, "webhook", f"a report of {task.id} with a wrong signature or time was believed"
        )
        self._scene.timeline.edges["webhook evidence" if attempt is not None else "webhook answered"] += 1
        if attempt is not None:
            self._told[task.id] = attempt

    def evidence_was_used(self, attempts: Sequence[Row]) -> None:
        """Every receipt is true, and every doubt that one told about holds the task that it named."""
        scene = self._scene
        for row in scene.rows(
            "SELECT w.prediction_id, w.attempt_id, a.token FROM webhook_receipts w "
            "JOIN attempts a ON a.id = w.attempt_id"
        ):
            task = scene.account.tasks.get(row["prediction_id"])
            true = task is not None and task.token == row["token"]
            scene.expect(
                true, "webhook", f"the receipt of attempt {row['attempt_id']} is not what was reported"
            )
        held = {row["prediction_id"] for row in attempts}
        given_up = {row["id"] for row in attempts if row["reason"] == "written_off"}
        for name, attempt in self._told.items():
            used = name in held or attempt in given_up or scene.account.expired(scene.account.tasks[name])
            scene.expect(
                used, "webhook", f"a webhook told that attempt {attempt} created {name}, and nobody holds it"
            )
