"""What every check shares: the database, seen through a connection of its own, the provider's truth, and
the verdict."""

import json
import traceback
from collections import Counter
from typing import Any

from ..account import SimulatedAccount
from ..bought import SimulatedTask
from ..disk import SimulatedDisk
from ..plan import SimulationPlan
from ..timeline import Timeline, ViolationError
from ..watch import Row, Watch


class Scene:
    """One seed as it can be seen from outside, and what people did to it."""

    def __init__(
        self,
        watch: Watch,
        plan: SimulationPlan,
        account: SimulatedAccount,
        disk: SimulatedDisk,
        timeline: Timeline,
    ) -> None:
        self.watch = watch
        self.rows = watch.rows
        self.plan = plan
        self.account = account
        self.disk = disk
        self.timeline = timeline
        self.failure: ViolationError | None = None
        self.uncertain = False  # an adoption by count alone took somebody else's task
        self.listed: set[str] = set()  # tasks of ours that reconcile could only list
        self.agreed_percent = 100  # of the list price: what a person said yes to
        self.authorized: Counter[int] = Counter()  # job -> further paid attempts a person allowed
        self.workers: dict[str, str] = {}  # process -> the id under which its worker holds leases
        self.prompt_of: dict[int, str] = {}
        self.job_ids_of: dict[str, list[int]] = {}

    def fail(self, invariant: str, message: str) -> None:
        """Record and raise; the first one is what the seed fails with."""
        violation = ViolationError(f"invariant {invariant}: {message}")
        if self.failure is None:
            self.failure = violation
            self.timeline.mark("checker", "VIOLATION", str(violation))
        raise violation

    def expect(self, holds: bool, invariant: str, message: str) -> None:
        if not holds:
            self.fail(invariant, message)

    def broke(self, what: str, error: BaseException) -> None:
        """Something of the program raised what it never should."""
        if self.failure is None:
            told = "".join(traceback.format_exception(error))
            self.failure = ViolationError(f"{what} broke: {error!r}\n{told}")

    def row(self, query: str, *values: Any) -> Row:
        """The one row that the query finds."""
        (found,) = self.rows(query, *values)
        return found

    def learn_jobs(self) -> None:
        """Read which job asks for what; after every apply."""
        self.prompt_of.clear()
        self.job_ids_of.clear()
        for row in self.rows("SELECT job_id, params FROM job_specs ORDER BY job_id"):
            params = row["params"] if isinstance(row["params"], dict) else json.loads(row["params"])
            self.prompt_of[row["job_id"]] = params["prompt"]
            self.job_ids_of.setdefault(params["prompt"], []).append(row["job_id"])

    def tasks_allowed(self, prompt: str) -> int:
        """How many paid tasks the jobs of a prompt may have: one each, and one for each decision of a
        person."""
        jobs = self.job_ids_of.get(prompt, [])
        if self.plan.nights:
            nobody_buys = "SELECT id FROM jobs WHERE state = 'reused' OR reason = 'superseded'"
            jobs = sorted(set(jobs) - {row["id"] for row in self.rows(nobody_buys)})
        return len(jobs) + sum(self.authorized[job] for job in jobs)

    def held(self, prediction: str) -> bool:
        return bool(self.rows("SELECT 1 FROM attempts WHERE prediction_id = ?", prediction))

    def noted(self) -> set[str]:
        """Tasks that reconcile listed as nobody's."""
        return {row["prediction_id"] for row in self.rows("SELECT prediction_id FROM foreign_predictions")}

    def known(self) -> set[str]:
        """Tasks that an attempt holds, or that are noted as nobody's."""
        held = self.rows("SELECT prediction_id FROM attempts WHERE prediction_id IS NOT NULL")
        return self.noted() | {row["prediction_id"] for row in held}

    def unknown(self) -> set[str]:
        """Tasks of ours that the database knows in no way."""
        return {task.id for task in self.account.ours()} - self.known()

    def contested(self) -> set[str]:
        """Tasks of ours whose like a copy bought: which of them is whose cannot be told."""
        asked = {task.prompt for task in self.account.of_copy()}
        return {task.id for task in self.account.ours() if task.prompt in asked} if asked else set()

    def only_ours(self) -> list[SimulatedTask]:
        """Tasks of ours that were not merely listed."""
        return [task for task in self.account.ours() if task.id not in self.listed]

    def doubts(self) -> bool:
        """Whether some attempt was or may have been sent and is not answered."""
        return bool(self.rows("SELECT 1 FROM attempts WHERE state IN ('submitting', 'in_doubt')"))

    def stopped_for_a_gap(self) -> bool:
        """Whether the account waits for an operator to reconcile."""
        return bool(self.rows("SELECT 1 FROM pauses WHERE reason = 'unknown_tasks'"))
