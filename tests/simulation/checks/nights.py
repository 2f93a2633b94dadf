"""Nights: what a later run of a manifest reuses is good and costs nothing; what it buys is not there, and
nobody is making it; what it supersedes was claimed by nobody, and is never sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.nights import Leftovers, NightRule, Regenerate

from ..watch import Row
from .scene import Scene
from .states import LIVE

OPEN = {"pending", "running"}
ALL_ANEW = NightRule(Regenerate.ALL, leftovers=Leftovers.CANCEL)


@dataclass(frozen=True)
class BeforeNight:
    """The store as it stood just before a night was applied."""

    jobs: dict[int, Row]
    live: set[int]  # jobs with an attempt that may be, or become, a task
    stored: set[int]  # jobs that have a picture, and all of those that they have are stored

    def same(self, key: str, without: int) -> list[Row]:
        """The jobs of other runs with this key, and all further tries of those."""
        others = [job for job in self.jobs.values() if job["run_id"] != without]
        return [job for job in others if self.first(job)["key"] == key]

    def first(self, job: Row) -> Row:
        """The job that a chain of further tries began with."""
        while job["redo_of"] is not None:
            job = self.jobs[job["redo_of"]]
        return job

    def is_good(self, job: Row) -> bool:
        """Whether its picture may serve another night."""
        return job["state"] == "succeeded" and job["verdict"] != "rejected" and job["id"] in self.stored


class NightChecks:
    """What each night makes of those before it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def before(self) -> BeforeNight:
        """Look, a moment before somebody applies a night."""
        rows = self._scene.rows
        lost = {
            row["job_id"]
            for row in rows(
                "SELECT job_id FROM outputs o JOIN jobs j ON j.id = o.job_id "
                "WHERE o.idx < j.images AND o.state NOT IN ('stored', 'absent')"
            )
        }
        stored = {row["job_id"] for row in rows("SELECT job_id FROM outputs WHERE state = 'stored'")}
        return BeforeNight(
            {row["id"]: row for row in rows("SELECT * FROM jobs ORDER BY id")}, self._live(), stored - lost
        )

    def applied(self, before: BeforeNight, run: int, *, rule: NightRule, keys: Sequence[str]) -> None:
        """A night was applied: judge each job that is new, each that is not there, and each that is gone."""
        jobs = self._scene.rows("SELECT * FROM jobs ORDER BY id")
        for job in jobs:
            was = before.jobs.get(job["id"])
            if was is None and job["state"] == "reused":
                self._serves(before, job)
            elif was is None:
                self._had_to_be_bought(before, job, rule, now=jobs)
            elif job["state"] != was["state"]:
                self._could_be_superseded(before, job, rule, run=run)
        mine = {job["key"] for job in jobs if job["run_id"] == run}
        for key in set(keys) - mine:
            open_ = [job for job in before.same(key, run) if job["state"] in OPEN]
            self._scene.expect(bool(open_), "night", f"{key} is not asked for, and nobody is making it")

    def claimed(self, job_id: int) -> None:
        """A worker has claimed this job a moment ago: it is neither superseded nor served by another."""
        job = self._scene.row("SELECT * FROM jobs WHERE id = ?", job_id)
        dead = job["state"] == "reused" or job["reason"] == "superseded"
        self._scene.expect(not dead, "night", f"job {job_id} is claimed, and is {job['state']}")

    def posted(self, attempt_id: int) -> None:
        """A POST arrives of this attempt: its job is nobody else's now."""
        row = self._scene.row("SELECT job_id FROM attempts WHERE id = ?", attempt_id)
        self.claimed(row["job_id"])

    def settled(self) -> None:
        """When all is over, a reused job has no attempt, and no money was ever held for it."""
        tried = self._scene.rows(
            "SELECT j.id FROM jobs j JOIN attempts a ON a.job_id = j.id WHERE j.state = 'reused'"
        )
        self._scene.expect(not tried, "night", f"reused jobs were tried: {[row['id'] for row in tried]}")
        unfinished = self._scene.rows("SELECT id FROM jobs WHERE state = 'reused' AND finished_at IS NULL")
        self._scene.expect(not unfinished, "10", "a reused job is never over")

    def _serves(self, before: BeforeNight, job: Row) -> None:
        """The picture that it has is good, of the same key, and of another run of the same manifest."""
        made = before.jobs.get(job["reused_from"])
        good = (
            made is not None
            and before.is_good(made)
            and made["run_id"] != job["run_id"]
            and before.first(made)["key"] == job["key"]
        )
        self._scene.expect(
            good, "night", f"job {job['id']} reuses job {job['reused_from']}, which is no good"
        )

    def _had_to_be_bought(
        self, before: BeforeNight, job: Row, rule: NightRule, *, now: Sequence[Row]
    ) -> None:
        """Nothing good was there, and nobody was making it, unless the rule wants it all the same."""
        others = before.same(job["key"], job["run_id"])
        if rule.regenerate is not Regenerate.ALL:
            good = [each["id"] for each in others if before.is_good(each)]
            self._scene.expect(not good, "night", f"job {job['id']} is bought, and {good} have good pictures")
            ids = {each["id"] for each in others if each["state"] == "running"}
            ids |= {each["id"] for each in others} & before.live
            self._scene.expect(not ids, "2", f"job {job['id']} is bought, and {ids} may be paid for")
        if rule.leftovers is not Leftovers.KEEP:
            if rule == ALL_ANEW:  # `all` asks for its own beside what a later night waits for
                others = [each for each in others if each["run_id"] < job["run_id"]]
            known = {each["id"] for each in others if each["redo_of"] is None}
            waits = [each["id"] for each in now if each["id"] in known and each["state"] == "pending"]
            self._scene.expect(not waits, "2", f"job {job['id']} is bought, and {waits} wait for the same")

    def _could_be_superseded(self, before: BeforeNight, job: Row, rule: NightRule, *, run: int) -> None:
        """It waited in an earlier run, nobody had claimed it, and the rule says so."""
        was = before.jobs[job["id"]]
        self._scene.timeline.edges["superseded"] += 1
        allowed = (
            (was["state"], job["state"], job["reason"]) == ("pending", "cancelled", "superseded")
            and job["id"] not in before.live
            and job["run_id"] < run
            and job["redo_of"] is None
            and rule.leftovers is Leftovers.CANCEL
        )
        self._scene.expect(
            allowed, "night", f"job {job['id']} was {was['state']} and is {job['state']} by a later night"
        )

    def _live(self) -> set[int]:
        marks = ",".join("?" * len(LIVE))
        query = f"SELECT job_id FROM attempts WHERE state IN ({marks})"  # noqa: S608
        return {row["job_id"] for row in self._scene.rows(query, *sorted(LIVE))}
