"""Attempts whose reply was lost, and what a resolver finds of them, in few words."""

from support.world import LEASE_MS

from orchestrator.core.evidence import inputs_digest
from orchestrator.store.attempts import lifecycle
from orchestrator.store.db.schema import foreign_predictions
from orchestrator.store.doubts import possible_tasks, webhook_reports
from orchestrator.store.doubts.webhook_reports import Delivery, ReportOutcome
from orchestrator.worker.doubts.care import CareTaker
from orchestrator.worker.doubts.resolver import CHECK_SECONDS_MAX, Resolver

SETTLE = 121.0
"""Seconds: a little more than the settle delay of the default settings."""

WEEK = 7 * 86_400.0
"""Seconds for which the provider's list keeps a task."""

WEBHOOK_URL = "https://hooks.example.com/wavespeed"


class LostReplies:
    """Loses replies and looks for what became of them."""

    def __init__(self, world, harness):
        self.world = world
        self.harness = harness
        self.resumed = []
        self.restart()
        self.looked_at = float("-inf")

    def restart(self, worker="w2"):
        """Another worker resolves from now on, with the harness's settings as they are now."""
        deps = self.harness.deps()
        self.resolver = Resolver(
            deps, worker, care=CareTaker(deps), resume=self.resumed.append, freed=lambda: None
        )

    def send(self, *, created=True):
        """Claim a job and send it; the task it created, if it did, which nobody has recorded."""
        (claimed,) = self.world.claim(1)
        row = lifecycle.BeginSubmit(
            claimed.attempt_id, claimed.epoch, inputs_digest(claimed.params, claimed.params)
        )
        self.world.do(lifecycle.begin_submit, row)
        return claimed, self.harness.provider.create(claimed.params).id if created else None

    def answer(self, claimed, task):
        """The reply to such a request is recorded."""
        row = lifecycle.Accept(
            attempt_id=claimed.attempt_id,
            epoch=claimed.epoch,
            worker="w1",
            prediction_id=task,
            status="created",
            lease_ms=LEASE_MS,
        )
        self.world.do(lifecycle.accept, row)

    def lose(self, *, created, seconds=0.0):
        """Claim a job, send it, lose the reply; the task it created, if it did."""
        claimed, task = self.send(created=created)
        self.world.clock.advance(seconds)
        self.world.do(
            lifecycle.mark_in_doubt, lifecycle.MarkInDoubt(claimed.attempt_id, claimed.epoch, "reset")
        )
        return claimed, task

    def look(self, times=1, *, after=0.0):
        """Time passes, then the resolver looks so many times, as early as it may; what it adopted."""
        clock = self.world.clock
        clock.advance(after)
        adopted = []
        for _ in range(times):
            clock.advance(max(0.0, self.looked_at + CHECK_SECONDS_MAX - clock.monotonic()))
            adopted += self.tick()
            self.looked_at = clock.monotonic()
        return adopted

    def tick(self):
        """The resolver's loop is woken now; what it adopted."""
        self.resumed.clear()
        self.harness.run(self.resolver.tick())
        return list(self.resumed)

    def state(self, claimed):
        row = self.world.attempt(claimed)
        return (row.state, row.reason)

    def noted(self):
        return {row.prediction_id for row in self.world.rows(foreign_predictions)}

    def possible(self, claimed):
        with self.world.database.read() as tx:
            return {
                row.prediction_id
                for row in possible_tasks.possible(tx)
                if row.attempt_id == claimed.attempt_id
            }


def tell(world, claimed, task) -> ReportOutcome:
    """The provider's webhook about a task arrives with this attempt's token."""
    return world.do(webhook_reports.record_report, Delivery(claimed.token, task, "completed"))
