"""The invariants, checked from outside: the database through a connection of its own, the files, the
provider's bill.

Cheap checks run after every commit and at every request of a worker; the rest when all is over. Nothing here
calls the code under test; the tables of states are the only data it shares with it. `checks/` has a file for
each subject:

* states: only legal moves of jobs, attempts and reservations; epochs never fall, and only the holder of a
  lease moves what it holds; one live attempt for each job; nothing counts as a failure that nobody rejected;
  a prediction exists at the provider and was asked for by that job; what the bill taught is what the next of
  its kind holds;
* money: a reservation ends once; balances are the ledger's sums; no cap is passed at any entry, nor by the
  provider's bill; at the end each attempt counts what the provider kept, nothing was paid twice, and a refund
  that is too large is told;
* months: a statement has every line of the ledger once, booked leads to billed, and each charge and refund
  stands at the provider's own time;
* words: caps and limits are what files and people said, by the rule of who may loosen them;
* rate: POSTs of the last minute, tasks at once;
* posts: an attempt said so before, durably, and has not sent yet; its price is known; no other task of the
  same job can still be paid for; at the end every task is held, noted, or in a doubt that waits for a person;
* files: those of a job that succeeded are there, with the provider's digests;
* webhooks: one that is forged or old is not believed; what a true one told about a doubt was acted upon;
* restored: no gap of a restored store is open when it buys;
* copies: what another copy bought was seen before; a worker for which the list can never be read begins on
  a store that has bought nothing;
* decisions: no cap changes without the act of a person or the word of a file; a refused key stops its worker;
* choosing: every verdict is kept, and the last one counts; each other try that was asked for is one job,
  which no prune cancels;
* steering: nothing beyond a canary is sent before its run is approved, and nothing that a person holds;
* stages: a later stage takes only pictures that are there and wanted, waits for none of those, and its
  money is kept where the manifest says so;
* nights: what a later run of a manifest reuses is good and costs nothing, what it buys nobody has or makes,
  and what it supersedes is never sent;
* idling: no slot is free beside a ready job, and no lost reply is looked for, without a reason or an end;
* ending: every job is over, or stopped for a reason that is told.
"""

from collections.abc import Mapping
from typing import Any

from .account import SimulatedAccount
from .bought import SimulatedTask
from .checks.choosing import ChoosingChecks
from .checks.copies import CopyChecks
from .checks.decisions import DecisionChecks
from .checks.ending import EndingChecks
from .checks.files import FileChecks
from .checks.idling import IdlingChecks
from .checks.money import MoneyChecks
from .checks.months import MonthChecks
from .checks.nights import NightChecks
from .checks.posts import PostChecks
from .checks.rate import RateChecks
from .checks.restored import RestoredChecks
from .checks.scene import Scene
from .checks.stages import StageChecks
from .checks.states import StateChecks
from .checks.steering import SteeringChecks
from .checks.webhooks import WebhookChecks
from .checks.words import WordChecks
from .disk import SimulatedDisk
from .lasting import UNREADABLE
from .plan import SimulationPlan
from .timeline import Timeline, ViolationError
from .watch import Watch


class Checker:
    """Watches one seed: hands each event to the checks that it concerns."""

    def __init__(
        self,
        watch: Watch,
        plan: SimulationPlan,
        account: SimulatedAccount,
        disk: SimulatedDisk,
        timeline: Timeline,
    ) -> None:
        self.scene = scene = Scene(watch=watch, plan=plan, account=account, disk=disk, timeline=timeline)
        self.rows = scene.rows
        self.expect = scene.expect
        self.broke = scene.broke
        self.learn_jobs = scene.learn_jobs
        self.stopped_for_a_gap = scene.stopped_for_a_gap
        self.states = StateChecks(scene)
        self.money = MoneyChecks(scene)
        self.months = MonthChecks(scene)
        self.words = WordChecks(scene, self.money)
        self.posts = PostChecks(scene)
        self.rate = RateChecks(scene)
        self.files = FileChecks(scene)
        self.webhooks = WebhookChecks(scene)
        self.restored_store = RestoredChecks(scene)
        self.copies = CopyChecks(scene)
        self.choosing = ChoosingChecks(scene)
        self._decisions = DecisionChecks(scene)
        self.steering = SteeringChecks(scene)
        self.stages = StageChecks(scene)
        self.nights = NightChecks(scene)
        self.idling = IdlingChecks(scene)
        self._ending = EndingChecks(scene)
        self._seen = 0

    @property
    def failure(self) -> ViolationError | None:
        """The first invariant that did not hold."""
        return self.scene.failure

    def committed(self, who: str) -> None:
        """Look at what the last transaction changed."""
        self.scene.timeline.commits += 1
        for row in self.rows("SELECT * FROM watched WHERE seq > ? ORDER BY seq", self._seen):
            self._seen = row["seq"]
            if row["kind"] == "job":
                self.states.job_moved(who, row)
                if row["now"] == "succeeded":
                    self.files.of_job(row["id"])
            else:
                self.states.attempt_moved(who, row)
                if row["now"] == "leased" and row["was"] != "leased":
                    self.stages.claimed(row["job"])
                    self.nights.claimed(row["job"])
        self.money.booked(who)
        self._decisions.committed()
        if self.scene.plan.files:
            self.words.as_said()

    def posted(self, who: str, inputs: Mapping[str, Any], token: str | None = None) -> int:
        """A POST arrives: the attempt that sends it."""
        prompt = str(inputs["prompt"])
        self.copies.sees(who, prompt)
        self.restored_store.posted(who, prompt)
        attempt = self.posts.posted(who, inputs, token)
        self.copies.is_known(who)
        self.steering.posted(attempt)
        self.stages.posted(attempt, inputs)
        self.nights.posted(attempt)
        return attempt

    def created(self, _task: SimulatedTask) -> None:
        """The provider accepted: how many run, and what was charged."""
        self.rate.tasks_at_once()
        self.money.provider_under_caps()

    def restored(self) -> None:
        """Start from what the database says now; remember what it does not."""
        self._seen = self.scene.row("SELECT coalesce(max(seq), 0) AS n FROM watched")["n"]
        self.scene.learn_jobs()
        for checks in (
            self.money,
            self.webhooks,
            self.states,
            self.posts,
            self.restored_store,
            self._decisions,
        ):
            checks.restored()

    def finish(self, *, stopped: bool) -> None:
        """Everything that must hold when the faults are over, the work is done and all refunds have come."""
        self.committed("end")
        attempts = self.rows("SELECT * FROM attempts ORDER BY id")
        jobs = self.rows("SELECT * FROM jobs ORDER BY id")
        for job in jobs:
            if job["state"] == "succeeded":
                self.files.of_job(job["id"])
        self._ending.settled(jobs, attempts, stopped=stopped)
        self.stages.settled(jobs)
        self.nights.settled()
        self.posts.nothing_lost(attempts)
        self.webhooks.evidence_was_used(attempts)
        self.choosing.as_said()
        self.money.nothing_paid_twice()
        self.money.agrees(attempts)
        self.months.as_billed(attempts)
        self.files.nothing_overwritten()
        self.files.nothing_lost_by_moves()
        self.files.nothing_kept_aside_is_forgotten()
        if self.scene.plan.lasting not in UNREADABLE:
            self.files.every_copy_is_made()
            self.files.names_are_of_the_choices()

    def close(self) -> None:
        """Look no more."""
        self.scene.watch.close()
