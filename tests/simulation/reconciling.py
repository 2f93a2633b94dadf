"""The operator who reconciles: decides what only a person can, by what the pictures show."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.actions.operator.assign_task import assign_task
from orchestrator.actions.reconciling.reconcile import reconcile
from orchestrator.actions.reconciling.reconciliation import Period, Reconciliation
from orchestrator.core.errors import UsageError
from orchestrator.store.doubts import adoption

from .dependencies import SimClock, SimEntropy
from .endpoints import Endpoints
from .operators import PERSON
from .process import Process

if TYPE_CHECKING:
    from .simulation import Simulation

BASE_URL = "https://api.wavespeed.ai"


class Reconciler:
    """A person who answers a worker that asks for it."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation

    async def reconcile(self) -> bool:
        """A person answers a worker that asks for it; False when doubts must end before that.

        What only a person can decide is decided by what the pictures show: whether a task is what a waiting
        job wants.
        """
        if self._simulation.plan.lasting == "list":
            return False
        report, of_this_stop = await self._compare(not_ours=False)
        while report.possible:
            if not all(job.waits for item in report.possible for job in self._askers(item.task.id)):
                await asyncio.sleep(self._simulation.plan.lease_seconds)
                report, of_this_stop = await self._compare(not_ours=False)
                continue
            shown = self._simulation.put_back
            for item in report.possible:
                await self._give(item.task.id)
            report, of_this_stop = await self._compare(not_ours=True, shown=shown)
        if of_this_stop and not self._simulation.checker.stopped_for_a_gap():
            self._simulation.checker.restored_store.reconciled()
        return not report.in_doubt

    def _askers(self, task: str) -> list[adoption.PendingJob]:
        """Jobs that ask for just what the task shows, and were not sent yet."""
        wanted = self._simulation.account.tasks[task].inputs
        with self._simulation.reader.read() as tx:
            return [job for job in adoption.pending_jobs(tx, BASE_URL) if {**wanted, **job.certain} == wanted]

    async def _give(self, task: str) -> None:
        """Give a task to a waiting job that asks for just what it shows; there may be none."""
        for job in self._askers(task)[:1]:
            process = Process(
                name="operator", pid=0, timeline=self._simulation.timeline, strike=lambda _kind: False
            )
            provider = Endpoints(
                account=self._simulation.account,
                process=process,
                checker=self._simulation.checker,
            )
            entropy = SimEntropy(f"adopt {self._simulation.plan.seed} {next(self._simulation.names)}")
            with suppress(UsageError):  # a worker may have been quicker, or the provider does not answer
                await assign_task(
                    database=self._simulation.reader,
                    provider=provider,
                    entropy=entropy,
                    signed=PERSON,
                    job_id=job.job_id,
                    prediction_id=task,
                    timezone=self._simulation.plan.timezone,
                )
                self._simulation.timeline.mark("operator", "gives", job.job_id, task)

    async def _compare(self, *, not_ours: bool, shown: bool | None = None) -> tuple[Reconciliation, bool]:
        """The report, and whether the store was stopped before it and is still the one that was.

        Nobody says of tasks that they are not ours when another store was put back since they were `shown`.
        """
        await asyncio.sleep(self._simulation.dice.uniform(1, 300))
        not_ours = not_ours and self._simulation.put_back == shown
        before = self._simulation.checker.stopped_for_a_gap(), self._simulation.put_back
        process = Process(
            name="operator", pid=0, timeline=self._simulation.timeline, strike=lambda _kind: False
        )
        now = self._simulation.world.now_ms()
        report = await reconcile(
            database=self._simulation.reader,
            provider=Endpoints(
                account=self._simulation.account,
                process=process,
                checker=self._simulation.checker,
            ),
            clock=SimClock(self._simulation.world, process),
            entropy=SimEntropy(f"reconcile {self._simulation.plan.seed} {next(self._simulation.names)}"),
            period=Period(
                start_ms=now - 7 * 86_400_000,
                end_ms=now + 600_000,
                base_url=BASE_URL,
                timezone=self._simulation.plan.timezone,
            ),
            sidecars=lambda _path: None,
            signed=PERSON,
            not_ours=not_ours,
        )
        self._simulation.timeline.mark(
            "operator",
            "reconciled",
            "agrees" if report.agrees else "differs",
            report.adopted,
        )
        return report, before == (True, self._simulation.put_back)
