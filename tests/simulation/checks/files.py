"""Pictures: files of a job that succeeded are there, with the provider's digests; none is overwritten."""

from collections import Counter, defaultdict
from typing import Any

from orchestrator.core.paths import COPY_FIRST, index_and_attempt

from ..bought import SimulatedTask
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
        for copy in scene.rows("SELECT * FROM outputs WHERE job_id = ? AND idx >= ?", job, COPY_FIRST):
            if copy["state"] != "planned":
                self._is_copied(job, copy, task)

    def _is_stored(self, job: int, row: Row, digest: str) -> None:
        scene, index = self._scene, row["idx"]
        scene.expect(row["state"] == "stored", "4", f"job {job} succeeded, output {index} is {row['state']}")
        scene.expect(row["sha256"] == digest, "4", f"job {job} output {index} has another digest")
        scene.expect(
            scene.disk.files.get(row["stored_path"]) == digest,
            "4",
            f"job {job} succeeded, and {row['stored_path']} is not on the disk",
        )

    def _is_copied(self, job: int, row: Row, task: SimulatedTask) -> None:
        index, _attempt = index_and_attempt(row["idx"])
        if index < task.outputs:
            self._is_stored(job, row, digest_of(task.id, index))
        else:
            self._scene.expect(row["state"] == "absent", "4", f"job {job} has a copy of no picture")

    def every_copy_is_made(self) -> None:
        """At the end, a job that succeeded has the files of every row that shares it."""
        found = self._scene.rows(
            "SELECT o.path FROM outputs o JOIN jobs j ON j.id = o.job_id "
            "WHERE j.state = 'succeeded' AND o.state = 'planned' AND o.idx >= ?",
            COPY_FIRST,
        )
        self._scene.expect(not found, "4", f"never made: {[row['path'] for row in found]}")

    def nothing_kept_aside_is_forgotten(self) -> None:
        """What came of an output that is lost is named by its row."""
        scene = self._scene
        for task, path in scene.disk.aside.items():
            failed = scene.rows(
                "SELECT job_id FROM attempts WHERE prediction_id = ? AND reason = 'output_lost'", task
            )
            named = scene.rows("SELECT 1 FROM outputs WHERE unproven_path = ?", path)
            scene.expect(not failed or bool(named), "4", f"{path} was kept aside, and nobody says so")

    def nothing_lost_by_moves(self) -> None:
        lost = self._scene.disk.lost
        self._scene.expect(not lost, "4", f"a move has left these pictures nowhere: {lost}")

    def names_are_of_the_choices(self) -> None:
        """At the end every picture lies where its row says, once, and the chosen one of each cell has its
        clean name."""
        scene = self._scene
        rows = scene.rows(
            "SELECT o.*, j.verdict, coalesce(o.wanted_at, j.created_at) AS asked_at,"
            " (SELECT max(v.id) FROM verdicts v WHERE v.job_id = o.job_id AND v.verdict = 'accepted')"
            " AS accepted"
            " FROM outputs o JOIN jobs j ON j.id = o.job_id WHERE o.state = 'stored'"
        )
        waiting = [row["stored_path"] for row in rows if row["moving_to"] is not None]
        scene.expect(not waiting, "4", f"these pictures wait for a name: {waiting}")
        for row in rows:
            there = scene.disk.files.get(row["stored_path"])
            scene.expect(there == row["sha256"], "4", f"{row['stored_path']} is not on the disk as recorded")
        wanted, found = Counter(row["sha256"] for row in rows), Counter(scene.disk.files.values())
        twice = {sha256 for sha256, number in wanted.items() if found[sha256] > number}
        # A worker that was frozen while it made a picture may make it once more after others have moved it: a
        # file beside, of which nothing is lost.
        frozen = any(name.startswith("freeze") and number for name, number in scene.timeline.faults.items())
        scene.expect(not twice or frozen, "4", f"these pictures lie under further names: {twice}")
        cells: dict[bytes, list[Row]] = defaultdict(list)
        for row in rows:
            if not row["stored_path"].startswith("quarantine/"):
                cells[bytes(row["clean_key"] or row["path_key"])].append(row)
        for tries in cells.values():
            scene.timeline.edges["name with several tries"] += len(tries) > 1
            best = max(tries, key=_merit)
            scene.expect(
                best["clean_key"] is None, "4", f"{best['stored_path']} is chosen, and has not its name"
            )

    def nothing_overwritten(self) -> None:
        overwritten = self._scene.disk.overwritten
        self._scene.expect(not overwritten, "4", f"overwritten: {overwritten}")


def _merit(row: Row) -> tuple[Any, ...]:
    """Accepted last, else not rejected, else asked for last."""
    accepted = row["verdict"] == "accepted"
    rejected = row["verdict"] == "rejected"
    return (
        row["accepted"] if accepted else 0,
        not rejected,
        row["asked_at"],
        row["job_id"],
        row["idx"] % 1000 == row["idx"],
    )
