"""Stages: nothing is claimed or sent with a picture that is not there, flagged or not wanted; nothing waits
for one that is there; and a chain that was begun can be finished, where its manifest says so.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..watch import Row
from .scene import Scene


class StageChecks:
    """What the jobs of a later stage are made of."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def claimed(self, job_id: int) -> None:
        """A worker has claimed this job a moment ago."""
        if not self._scene.plan.staged:
            return
        job = self._scene.row("SELECT * FROM jobs WHERE id = ?", job_id)
        if job["needs_job"] is None:
            self._leaves_what_is_kept(job)
            return
        good = [row["sha256"] for row in self._takeable(job)]
        self._scene.expect(
            job["needs_sha256"] in good,
            "5",
            f"job {job_id} is claimed with picture {job['needs_sha256']}, and may take one of {good}",
        )

    def posted(self, attempt_id: int, inputs: Mapping[str, Any]) -> None:
        """A POST arrives of this attempt: it sends the picture that its job was given."""
        if not self._scene.plan.staged:
            return
        job = self._scene.row(
            "SELECT * FROM jobs WHERE id = (SELECT job_id FROM attempts WHERE id = ?)", attempt_id
        )
        if job["needs_job"] is not None:
            (sent,) = inputs["images"]
            given = str(job["needs_sha256"])[:12]
            self._scene.expect(given in sent, "5", f"job {job['id']} sends {sent}, and was given {given}")

    def settled(self, jobs: list[Row]) -> None:
        """When all is over: no job waits for a picture that it could take."""
        if not self._scene.plan.staged:
            return
        for job in jobs:
            if job["state"] == "pending" and job["reason"] == "needs_picture":
                good = [row["sha256"] for row in self._takeable(job)]
                self._scene.expect(not good, "10", f"job {job['id']} waits, and picture {good} is there")
        counted = Counter(
            (job["redo_of"], job["needs_sha256"])
            for job in jobs
            if job["state"] == "pending" and job["redo_of"] is not None and job["needs_job"] is not None
        )
        self._scene.timeline.edges["stage waits"] += sum(counted.values())

    def _takeable(self, job: Row) -> list[Row]:
        """Pictures of the tries of its source that it could take, by what they are themselves."""
        tries, fresh = set[int](), {job["needs_job"]}
        while fresh:
            tries |= fresh
            marks = ",".join("?" * len(fresh))
            query = f"SELECT id FROM jobs WHERE redo_of IN ({marks})"  # noqa: S608
            again = self._scene.rows(query, *sorted(fresh))
            fresh = {row["id"] for row in again} - tries
        marks = ",".join("?" * len(tries))
        rows = self._scene.rows(
            "SELECT outputs.*, jobs.verdict FROM outputs JOIN jobs ON jobs.id = outputs.job_id "  # noqa: S608
            f"WHERE job_id IN ({marks}) AND idx = ? AND outputs.state = 'stored' "
            "AND jobs.state = 'succeeded'",
            *sorted(tries),
            job["needs_index"],
        )
        return [
            row
            for row in rows
            if not row["nsfw"]
            and not row["stored_path"].startswith("quarantine/")
            and (row["verdict"] == "accepted" if job["needs_accepted"] else row["verdict"] != "rejected")
        ]

    def _leaves_what_is_kept(self, job: Row) -> None:
        """What is left under the cap of the account holds all chains that were begun, this one too."""
        scene = self._scene
        if not scene.plan.chained:
            return
        caps = scene.rows("SELECT cap_micros FROM budgets WHERE scope = 'account' AND \"window\" = 'total'")
        if not caps:
            return
        counted = scene.row(
            "SELECT coalesce(sum(spent_micros + held_micros + refund_due_micros), 0) AS n FROM balances "
            "WHERE scope = 'account' AND period = 'total'"
        )["n"]
        waiting = scene.rows(
            "SELECT d.*, l.price_micros AS costs FROM jobs d JOIN lanes l ON l.id = d.lane_id "
            "WHERE d.state = 'pending' AND d.needs_job IS NOT NULL"
        )
        kept = sum(row["costs"] for row in waiting if self._was_begun(row))
        left = caps[0]["cap_micros"] - counted
        scene.expect(
            kept <= left, "chain", f"job {job['id']} is claimed, {left} is left and {kept} is to be kept"
        )

    def _was_begun(self, job: Row) -> bool:
        rows = self._scene.rows(
            "SELECT state, verdict FROM jobs WHERE id = ? OR redo_of = ?", job["needs_job"], job["needs_job"]
        )
        being_made = any(row["state"] == "running" for row in rows)
        return being_made or (job["needs_sha256"] is not None)
