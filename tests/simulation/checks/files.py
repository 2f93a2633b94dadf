"""Pictures: files of a job that succeeded are there, with the provider's digests; none is overwritten."""

from ..disk import digest_of
from ..watch import Row
from .scene import Scene


class FileChecks:
    """The disk against the outputs' rows and the provider's pictures."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def of_job(self, job: int) -> None:
        """What a job that succeeded has stored."""
        scene = self._scene
        succeeded = scene.rows(
            "SELECT id, prediction_id FROM attempts WHERE job_id = ? AND state = 'succeeded' "
            "ORDER BY number DESC",
            job,
        )
        scene.expect(bool(succeeded), "4", f"job {job} succeeded without an attempt that did")
        attempt = succeeded[0]
        task = scene.account.tasks[attempt["prediction_id"]]
        found = scene.rows("SELECT * FROM outputs WHERE job_id = ? AND attempt_id = ?", job, attempt["id"])
        rows = {row["idx"]: row for row in found}
        for index in range(task.outputs):
            if index not in rows:
                scene.fail("4", f"job {job} succeeded and output {index} of {task.id} has no row")
            self._is_stored(job, rows[index], digest_of(task.id, index))

    def _is_stored(self, job: int, row: Row, digest: str) -> None:
        scene, index = self._scene, row["idx"]
        scene.expect(row["state"] == "stored", "4", f"job {job} succeeded, output {index} is {row['state']}")
        scene.expect(row["sha256"] == digest, "4", f"job {job} output {index} has another digest")
        scene.expect(
            scene.disk.files.get(row["stored_path"]) == digest,
            "4",
            f"job {job} succeeded, and {row['stored_path']} is not on the disk",
        )

    def nothing_overwritten(self) -> None:
        overwritten = self._scene.disk.overwritten
        self._scene.expect(not overwritten, "4", f"overwritten: {overwritten}")
