"""A database that was put back: nothing is bought until every task that it does not know is reconciled."""

from ..bought import SimulatedTask
from .scene import Scene


class RestoredChecks:
    """The gap between what the database knows and what the provider made."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._gap: set[str] = set()  # tasks that the database does not know, until reconcile has seen them

    def restored(self) -> None:
        """Remember what the database that was put back does not know."""
        scene = self._scene
        unknown = scene.unknown()
        if not scene.doubts():  # else one of those may explain a task of the gap
            self._gap = unknown - self._given_up()
        elif unknown and not scene.plan.list_shows_inputs:
            scene.uncertain = True
        scene.timeline.mark("checker", "gap", sorted(unknown))

    def posted(self, who: str, prompt: str) -> None:
        left = self._gap and self._gap & self._scene.unknown()
        self._scene.expect(
            not left, "44", f"a POST for {prompt!r} ({who}) and {sorted(left)} are not reconciled"
        )

    def reconciled(self) -> None:
        """What `reconcile` could not give to a job, it has listed; nothing of the gap is left."""
        scene = self._scene
        if self._gap:
            left = scene.unknown() & self._gap
            scene.expect(not left, "44", f"reconcile left {sorted(left)}")
        self._gap.clear()
        noted = scene.noted()
        for task in scene.only_ours():
            if task.id in noted:
                self._only_listed(task)
        scene.listed |= noted & scene.account.tasks.keys()

    def _only_listed(self, task: SimulatedTask) -> None:
        """A completed task that a waiting job asked for exactly is adopted where the list shows what was
        asked."""
        scene = self._scene
        if not scene.plan.list_shows_inputs or not task.paid_for or task.id in self._given_up():
            return
        waiting = [
            row["job_id"]
            for row in scene.rows(
                "SELECT s.job_id, s.local_images FROM job_specs s JOIN jobs j ON j.id = s.job_id"
                " WHERE j.state = 'pending'"
            )
            if row["local_images"] in ("{}", {}) and scene.prompt_of[row["job_id"]] == task.prompt
        ]
        scene.expect(not waiting, "44", f"{task.id} was only listed, and jobs {waiting} wait for it")

    def _given_up(self) -> set[str]:
        """Tasks of attempts that a person wrote off: they were unknown before, so they are no gap."""
        rows = self._scene.rows("SELECT job_id FROM attempts WHERE reason = 'written_off'")
        prompts = {self._scene.prompt_of[row["job_id"]] for row in rows}
        return {task.id for task in self._scene.account.ours() if task.prompt in prompts}
