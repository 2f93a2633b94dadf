"""The invariants, checked from outside: the database through a connection of its own, the files, the
provider's bill.

Cheap checks run after every commit and at every request of a worker; the rest when all is over. Nothing here
calls the code under test, and the only data it shares with it are the tables of states. Of the things that must hold, these are checked:

* at every POST: an attempt said so before, durably, and has not sent yet; its price is known; no other task of the same
  job can still be paid for; the rate of the last minute; no gap of a restored store is open;
  a worker for which the list can never be read begins on a store that has bought nothing;
* at every commit: only legal moves of jobs, attempts and reservations; epochs never fall, and only the holder of a lease
  moves what it holds; one live attempt for each job; a reservation ends once; balances are the sums of the ledger; no
  cap is passed at any entry; nothing counts as a failure that nobody rejected; a prediction exists at the provider, was
  asked for by that job, and is never dropped; the files of a job that succeeded are there, with the provider's digests;
* at every creation at the provider: tasks at once, and the provider's bill against every cap;
* at every webhook: one that is forged or old is not believed;
* at the end: what a webhook told about a doubt was acted upon; every task is held, noted, or in a doubt that waits for a person; nothing was paid twice; each attempt
  counts what the provider kept; every job is over, or stopped for a reason that is told; applying again adds nothing.
"""

import json
import traceback
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.states import ATTEMPT_TRANSITIONS, JOB_TRANSITIONS, RESERVATION_TRANSITIONS, edges

from .account import SimulatedAccount, SimulatedTask
from .disk import SimulatedDisk, digest_of
from .lasting import UNREADABLE, wrong_with
from .plan import SimulationPlan
from .timeline import Timeline, ViolationError
from .watch import Row, Watch


def _edges_of(table: Mapping[tuple[Any, Any], str]) -> frozenset[str]:
    """The product's tables are the law: what they hold is legal, and nothing else."""
    return frozenset(f"{before or 'none'}>{after}" for before, after in edges(table))


ATTEMPT_EDGES = _edges_of(ATTEMPT_TRANSITIONS)
JOB_EDGES = _edges_of(JOB_TRANSITIONS)
MONEY_EDGES = _edges_of(RESERVATION_TRANSITIONS)
HOLDERS_EDGES = {
    "leased>submitting",
    "in_flight>fetching",
    "in_flight>failed",
    "fetching>succeeded",
    "fetching>failed",
}
"""Only the worker that holds the lease may do these."""

LIVE = {"leased", "submitting", "in_flight", "fetching", "in_doubt"}
WEAK_REASONS = {"prediction_missing", "written_off", "output_lost"}
"""Attempts whose task the provider stopped showing, or that a person gave up: their cost may be
over-reported."""


class Checker:
    """Watches one seed."""

    def __init__(
        self,
        watch: Watch,
        plan: SimulationPlan,
        account: SimulatedAccount,
        disk: SimulatedDisk,
        timeline: Timeline,
    ) -> None:
        self._watch = watch
        self.rows = watch.rows
        self._plan = plan
        self._account = account
        self._disk = disk
        self._timeline = timeline
        self._seen = 0
        self._ledger_seen = 0
        self._sums: Counter[tuple[str, int, str, str]] = Counter()
        self._attempt_kinds: dict[int, list[str]] = {}
        self.posts: Counter[str] = Counter()  # by prompt
        self._departures: deque[float] = deque()
        self._live: dict[int, int] = {}  # job -> live attempt
        self._delivered: dict[str, str] = {}
        self._handed: dict[str, float] = {}
        self._sent: set[str] = set()  # tokens of attempts
        self._told: dict[str, int] = {}  # task -> attempt that was in doubt when a webhook told of it
        self.authorized: Counter[int] = Counter()  # job -> further paid attempts a person allowed
        self.caps: dict[tuple[str, int, str], int] = {}
        self.lowered: set[tuple[str, int, str]] = set()
        self.uncertain = False  # an adoption by count alone took somebody else's task
        self.misadopted = 0
        self._seen_of_copy: dict[
            str, tuple[set[str], int]
        ] = {}  # process -> what must stop it, since our task of when
        self._blind: set[str] = (
            set()
        )  # processes that begin on tasks bought before, and never can read the list
        self.workers: dict[str, str] = {}  # process -> the id under which its worker holds leases
        self.refusals = 0  # requests that the provider rejected
        self._rejections = 0
        self._prompt_of: dict[int, str] = {}
        self._job_ids_of: dict[str, list[int]] = {}
        self.failure: ViolationError | None = None
        self._replaying = False
        self._gap: set[str] = (
            set()
        )  # tasks that a restored database does not know, until reconcile has seen them
        self.listed: set[str] = set()  # tasks of ours that reconcile could only list

    # --- what is known of the jobs --------------------------------------------------------------------------

    def learn_jobs(self) -> None:
        """Read which job asks for what; after every apply."""
        self._prompt_of.clear()
        self._job_ids_of.clear()
        for row in self.rows("SELECT job_id, params FROM job_specs ORDER BY job_id"):
            params = row["params"] if isinstance(row["params"], dict) else json.loads(row["params"])
            self._prompt_of[row["job_id"]] = params["prompt"]
            self._job_ids_of.setdefault(params["prompt"], []).append(row["job_id"])

    def fail(self, invariant: str, message: str) -> None:
        """Record and raise; the first one is what the seed fails with."""
        violation = ViolationError(f"invariant {invariant}: {message}")
        if self.failure is None:
            self.failure = violation
            self._timeline.note("checker", "VIOLATION", str(violation))
        raise violation

    def expect(self, holds: bool, invariant: str, message: str) -> None:
        if not holds:
            self.fail(invariant, message)

    # --- after every commit ---------------------------------------------------------------------------------

    def committed(self, who: str) -> None:
        """Look at what the last transaction changed."""
        self._timeline.commits += 1
        rows = self.rows("SELECT * FROM watched WHERE seq > ? ORDER BY seq", self._seen)
        for row in rows:
            self._seen = row["seq"]
            if row["kind"] == "job":
                self._job_moved(who, row)
            else:
                self._attempt_moved(who, row)
        self._ledger(who)

    def _job_moved(self, who: str, row: Row) -> None:
        edge = f"{row['was']}>{row['now']}"
        self._timeline.edges[f"job {edge}"] += 1
        self._timeline.note(who, "job", row["id"], edge)
        self.expect(edge in JOB_EDGES, "state", f"job {row['id']} went {edge}")
        if row["now"] == "succeeded":
            self._files_of(row["id"])

    def _attempt_moved(self, who: str, row: Row) -> None:
        attempt, was, now = row["id"], row["was"], row["now"]
        edge = f"{was}>{now}"
        if was != now:
            self._timeline.edges[f"attempt {edge}"] += 1
            self.expect(edge in ATTEMPT_EDGES, "state", f"attempt {attempt} went {edge}")
        self._timeline.note(
            who,
            "attempt",
            attempt,
            edge,
            f"epoch {row['epoch']}",
            row["prediction"] or "",
        )
        if row["was_money"] and row["was_money"] != row["money"]:
            money = f"{row['was_money']}>{row['money']}"
            self._timeline.edges[f"money {money}"] += 1
            self.expect(money in MONEY_EDGES, "5", f"the reservation of attempt {attempt} went {money}")
        if row["was_epoch"] is not None:
            self.expect(row["epoch"] >= row["was_epoch"], "fence", f"attempt {attempt} lost its epoch")
        if edge in HOLDERS_EDGES and (mine := self.workers.get(who)) is not None:
            self.expect(
                row["worker"] == mine, "fence", f"attempt {attempt} went {edge} by {who}, which lost it"
            )
        if edge == "submitting>failed":
            self._rejections += 1
            self.expect(
                self._rejections <= self.refusals, "29", f"attempt {attempt} failed and nobody rejected it"
            )
        self._one_live_attempt(attempt, row["job"], now)
        if row["prediction"] != row["was_prediction"]:
            self.expect(row["was_prediction"] is None, "3", f"attempt {attempt} lost {row['was_prediction']}")
            self._adopted(attempt, row["job"], row["prediction"])

    def _one_live_attempt(self, attempt: int, job: int, now: str) -> None:
        other = self._live.get(job)
        if now in LIVE:
            self.expect(
                other in {None, attempt}, "2", f"job {job} has attempts {other} and {attempt} at once"
            )
            self._live[job] = attempt
        elif other == attempt:
            del self._live[job]

    def _adopted(self, attempt: int, job: int, prediction: str) -> None:
        task = self._account.tasks.get(prediction)
        if task is None:
            self.fail("3", f"attempt {attempt} holds {prediction}, which the provider never made")
        elif task.prompt != self._prompt_of[job]:
            self.misadopted += 1
            self.uncertain = True
            self._timeline.note("checker", "MISADOPTED", attempt, prediction)
            self.expect(
                not self._plan.list_shows_inputs,
                "misadopted",
                f"attempt {attempt} asked for {self._prompt_of[job]!r} and took {task.prompt!r}",
            )

    # --- money ----------------------------------------------------------------------------------------------

    def _ledger(self, who: str) -> None:
        rows = self.rows("SELECT * FROM ledger WHERE id > ? ORDER BY id", self._ledger_seen)
        if not rows:
            return
        for row in rows:
            self._ledger_seen = row["id"]
            self._timeline.note(
                who,
                "ledger",
                row["kind"],
                row["attempt_id"],
                row["day"],
            )
            self._entry(row)
        kept: Counter[tuple[str, int, str, str]] = Counter()
        for row in self.rows("SELECT * FROM balances"):
            for name in ("spent", "held", "refund_due"):
                kept[row["scope"], row["scope_id"], row["period"], name] = row[f"{name}_micros"]
        summed = {key: value for key, value in self._sums.items() if value}
        self.expect(
            {key: value for key, value in kept.items() if value} == summed,
            "7",
            "balances are not the ledger's sums",
        )

    def _entry(self, row: Row) -> None:
        attempt, kind = row["attempt_id"], row["kind"]
        kinds = self._attempt_kinds.setdefault(attempt, [])
        kinds.append(kind)
        self._timeline.edges[f"ledger {kind}"] += 1
        if attempt is not None:
            self.expect(_legal(kinds), "5", f"attempt {attempt} booked {' '.join(kinds)}")
        day = row["day"]
        for period in ("total", day[:7], day):
            for scope, scope_id in (("account", 0), ("campaign", row["campaign_id"]), ("run", row["run_id"])):
                for name in ("spent", "held", "refund_due"):
                    self._sums[scope, scope_id, period, name] += row[f"{name}_delta"]
                    left = self._sums[scope, scope_id, period, name]
                    self.expect(left >= 0, "5", f"{name} of {scope} {scope_id} in {period} is {left}")
        if kind == "reserve":
            self.expect(row["held_delta"] > 0, "5", f"attempt {attempt} was admitted at no price")
            if (
                row["note"] != "adopted by reconcile" and not self._replaying
            ):  # it was spent before anybody could ask
                self._under_caps(row)

    def _under_caps(self, row: Row) -> None:
        day = row["day"]
        for (scope, scope_id, window), cap in self.caps.items():
            mine = {"account": 0, "campaign": row["campaign_id"], "run": row["run_id"]}[scope]
            if scope_id != mine:
                continue
            period = {"total": "total", "month": day[:7], "day": day}[window]
            counted = sum(
                self._sums[scope, scope_id, period, name] for name in ("spent", "held", "refund_due")
            )
            self.expect(
                counted <= cap,
                "1",
                f"{scope} {scope_id} {period}: {counted} of {cap} after attempt {row['attempt_id']}",
            )

    # --- at the provider ------------------------------------------------------------------------------------

    def leaves(self, who: str) -> None:
        """A POST leaves a worker."""
        now = self._account.now()
        self._departures.append(now)
        while self._departures[0] <= now - 60.0:
            self._departures.popleft()
        if self._plan.clock_jump_ms == 0:
            self.expect(
                len(self._departures) <= self._plan.submits_per_minute,
                "6",
                f"{len(self._departures)} POSTs in 60 s, allowed {self._plan.submits_per_minute} ({who})",
            )

    def posted(self, who: str, inputs: Mapping[str, Any], token: str | None = None) -> int | None:
        """A POST arrives: exactly one attempt must have said so before, durably. A token tells which."""
        prompt = str(inputs["prompt"])
        jobs = self._job_ids_of.get(prompt, [])
        marks = ",".join("?" * len(jobs))
        rows = self.rows(
            f"SELECT id, job_id, state, price_micros, token FROM attempts WHERE job_id IN ({marks}) AND "
            "state IN "
            "('submitting', 'in_doubt') ORDER BY state DESC, id",
            *jobs,
        )
        begun = self.row(
            f"SELECT count(*) AS n FROM attempts WHERE job_id IN ({marks}) AND submitted_at IS NOT NULL",
            *jobs,
        )["n"]
        self._timeline.note(
            who,
            "POST",
            prompt,
            [(row["id"], row["job_id"], row["state"]) for row in rows],
        )
        self.posts[prompt] += 1
        self.expect(
            who not in self._blind,
            "44",
            f"a POST for {prompt!r} by {who}, which never saw what else was bought",
        )
        left = self._gap and self._gap & self._unknown()
        self.expect(not left, "44", f"a POST for {prompt!r} ({who}) and {sorted(left)} are not reconciled")
        self.expect(
            bool(rows) and self.posts[prompt] <= begun,
            "2",
            f"a POST for {prompt!r} ({who}) and no attempt that is submitting and unsent",
        )
        attempt = self._sender(token, rows) if token else rows[0]  # variations ask alike: any is as good
        self.expect(bool(attempt["price_micros"]), "5", f"attempt {attempt['id']} has no price")
        self._no_second_task(prompt, jobs)
        self._copy_is_known(who)
        return int(attempt["id"])

    def _sender(self, token: str, rows: Sequence[Row]) -> Row:
        """The attempt whose token the URL for webhooks carries: it sends now, and never did before."""
        self.expect(token not in self._sent, "2", "two POSTs carry the token of the same attempt")
        self._sent.add(token)
        mine = [row for row in rows if row["token"] == token]
        self.expect(bool(mine), "2", "a POST carries the token of no attempt that is submitting")
        return mine[0]

    def _no_second_task(self, prompt: str, jobs: list[int]) -> None:
        """Tasks that live, succeeded, or are still to appear: one for each job, and one for each decision
        of a person."""
        now = self._account.now()
        possible = sum(
            1
            for task in self._account.ours()
            if task.prompt == prompt
            and task.id not in self.listed
            and (now < task.ends or task.fate == "completed")
        ) + sum(1 for waiting, _ in self._account.pending if waiting == prompt)
        allowed = len(jobs) + sum(self.authorized[job] for job in jobs)
        self.expect(
            possible < allowed or self.uncertain,
            "2",
            f"a POST for {prompt!r} while {possible} paid task(s) may exist for {len(jobs)} job(s)",
        )

    def created(self, task: SimulatedTask) -> None:
        """The provider accepted: how many run, and what was charged."""
        plan, account = self._plan, self._account
        if not self.uncertain and not sum(self.authorized.values()):
            running = account.running(self.listed)
            self.expect(
                running <= plan.concurrency, "6", f"{running} tasks at once, allowed {plan.concurrency}"
            )
        for (scope, scope_id, window), cap in self.caps.items():
            if (
                window == "total"
                and (scope, scope_id, window) not in self.lowered
                and plan.on_failed == "hold"
            ):
                prefix = self._prefix(scope, scope_id)
                spent = account.spent(prefix, self.listed)
                self.expect(
                    spent <= cap or self.uncertain,
                    "1",
                    f"the provider's bill for {scope} {prefix!r} is {spent} of {cap}",
                )

    def _prefix(self, scope: str, scope_id: int) -> str:
        if scope == "account":
            return ""
        if scope == "campaign":
            name = self.row("SELECT name FROM campaigns WHERE id = ?", scope_id)["name"]
            return f"{name}/"
        row = self.row(
            "SELECT c.name AS campaign, r.name AS name FROM runs r JOIN campaigns c ON c.id = r.campaign_id "
            "WHERE r.id = ?",
            scope_id,
        )
        return f"{row['campaign']}/{row['name']}/"

    def delivered(self, prediction: str, who: str, prompt: str) -> None:
        """A worker holds a reply with an id in its hands."""
        self._delivered[prediction] = who
        self._handed[prediction] = self._account.now()
        self._timeline.note(who, "reply", prediction, prompt)

    def thawed(self, who: str) -> None:
        """What this worker held in its hands while it was frozen, it holds since now."""
        for prediction, owner in self._delivered.items():
            if owner == who:
                self._handed[prediction] = self._account.now()

    def polled(self, who: str, prediction: str) -> None:
        """Whoever was handed an id must have stored it before anything else happens to it."""
        if self._delivered.get(prediction) == who and self._account.now() - self._handed[prediction] > 1.0:
            self.expect(
                self._held(prediction),
                "3",
                f"{prediction} was accepted, is polled, and is not in the database",
            )

    def _held(self, prediction: str) -> bool:
        return bool(self.rows("SELECT 1 FROM attempts WHERE prediction_id = ?", prediction))

    # --- webhooks -------------------------------------------------------------------------------------------

    def hears(self, task: SimulatedTask) -> int | None:
        """A true report is about to arrive: the attempt whose doubt it can end."""
        if not task.token:
            return None
        rows = self.rows(
            "SELECT id FROM attempts WHERE token = ? AND state IN ('submitting', 'in_doubt')", task.token
        )
        return int(rows[0]["id"]) if rows else None

    def heard(self, task: SimulatedTask, attempt: int | None, *, believable: bool) -> None:
        """A report was answered with 200: it is evidence from now on, and if it is forged or old, it must
        not be."""
        self.expect(
            believable, "webhook", f"a report of {task.id} with a wrong signature or time was believed"
        )
        self._timeline.edges["webhook evidence" if attempt is not None else "webhook answered"] += 1
        if attempt is not None:
            self._told[task.id] = attempt

    def _evidence_was_used(self, attempts: Sequence[Row]) -> None:
        """Every receipt is true, and every doubt that one told about holds the task that it named."""
        for row in self.rows(
            "SELECT w.prediction_id, w.attempt_id, a.token FROM webhook_receipts w JOIN attempts a ON a.id = "
            "w.attempt_id"
        ):
            task = self._account.tasks.get(row["prediction_id"])
            true = task is not None and task.token == row["token"]
            self.expect(
                true, "webhook", f"the receipt of attempt {row['attempt_id']} is not what was reported"
            )
        held = {row["prediction_id"] for row in attempts}
        given_up = {row["id"] for row in attempts if row["reason"] == "written_off"}
        for name, attempt in self._told.items():
            used = name in held or attempt in given_up or self._account.expired(self._account.tasks[name])
            self.expect(
                used, "webhook", f"a webhook told that attempt {attempt} created {name}, and nobody holds it"
            )

    def broke(self, what: str, error: BaseException) -> None:
        """Something of the program raised what it never should."""
        if self.failure is None:
            told = "".join(traceback.format_exception(error))
            self.failure = ViolationError(f"{what} broke: {error!r}\n{told}")

    # --- files ----------------------------------------------------------------------------------------------

    def _files_of(self, job: int) -> None:
        succeeded = self.rows(
            "SELECT id, prediction_id FROM attempts WHERE job_id = ? AND state = 'succeeded' ORDER BY number "
            "DESC",
            job,
        )
        self.expect(bool(succeeded), "4", f"job {job} succeeded without an attempt that did")
        attempt = succeeded[0]
        task = self._account.tasks[attempt["prediction_id"]]
        rows = {
            row["idx"]: row
            for row in self.rows(
                "SELECT * FROM outputs WHERE job_id = ? AND attempt_id = ?", job, attempt["id"]
            )
        }
        for index in range(task.outputs):
            row = rows.get(index)
            if row is None:
                self.fail("4", f"job {job} succeeded and output {index} of {task.id} has no row")
                return
            self.expect(
                row["state"] == "stored", "4", f"job {job} succeeded, output {index} is {row['state']}"
            )
            digest = digest_of(task.id, index)
            self.expect(row["sha256"] == digest, "4", f"job {job} output {index} has another digest")
            self.expect(
                self._disk.files.get(row["stored_path"]) == digest,
                "4",
                f"job {job} succeeded, and {row['stored_path']} is not on the disk",
            )

    # --- at the end -----------------------------------------------------------------------------------------

    def finish(self, *, stopped: bool) -> None:
        """Everything that must hold when the faults are over, the work is done and all refunds have come."""
        self.committed("end")
        attempts = self.rows("SELECT * FROM attempts ORDER BY id")
        jobs = self.rows("SELECT * FROM jobs ORDER BY id")
        for job in jobs:
            if job["state"] == "succeeded":
                self._files_of(job["id"])
        self._settled(jobs, attempts, stopped=stopped)
        wrong = wrong_with(jobs, attempts, self._account.lost)
        self.expect(not wrong, "10", "; ".join(wrong))
        self._nothing_lost(attempts)
        self._evidence_was_used(attempts)
        self._double_billed()
        self._money_agrees(attempts)
        self.expect(not self._disk.overwritten, "4", f"overwritten: {self._disk.overwritten}")

    def _settled(self, jobs: Sequence[Row], attempts: Sequence[Row], *, stopped: bool) -> None:
        waiting = {
            row["job_id"]
            for row in attempts
            if row["state"] == "in_doubt"
            and (row["reason"] == "ambiguous" or self._plan.lasting in UNREADABLE)
        }
        stopped = stopped or self._waits_for_the_list()
        for job in jobs:
            if job["state"] == "pending":
                self.expect(stopped, "10", f"job {job['id']} is pending and nothing says why")
            if job["state"] == "running":
                self.expect(job["id"] in waiting, "10", f"job {job['id']} is running long after the faults")

    def _waits_for_the_list(self) -> bool:
        """Whether it can never be read, and a pause says so; one that ends by itself may have ended a
        moment ago."""
        told = self.rows("SELECT 1 FROM pauses WHERE reason = 'list_unreadable' AND message <> ''")
        return self._plan.lasting == "list" and bool(told)

    def _nothing_lost(self, attempts: Sequence[Row]) -> None:
        held = {row["prediction_id"] for row in attempts if row["prediction_id"]}
        noted = {row["prediction_id"] for row in self.rows("SELECT prediction_id FROM foreign_predictions")}
        doubted = {self._prompt_of[row["job_id"]] for row in attempts if row["state"] == "in_doubt"}
        waits = self.stopped_for_a_gap() and bool(
            doubted
        )  # to be resolved before reconcile can take tasks in
        written_off = {self._prompt_of[row["job_id"]] for row in attempts if row["reason"] == "written_off"}
        taken_for_anothers = self._contested()
        for task in self._account.ours():
            known = task.id in held or task.id in noted or task.id in taken_for_anothers or waits
            self.expect(
                known or task.prompt in doubted | written_off or self.uncertain,
                "3",
                f"{task.id} for {task.prompt!r} is paid and nothing of ours knows it",
            )
        for prediction, who in self._delivered.items():
            task = self._account.tasks[prediction]
            self.expect(
                waits or prediction in held | noted or task.prompt in doubted | written_off or self.uncertain,
                "3",
                f"{prediction} was delivered to {who} and is not in the database",
            )

    def _double_billed(self) -> None:
        paid = Counter(
            task.prompt for task in self._account.ours() if task.paid_for and task.id not in self.listed
        )
        for prompt, count in paid.items():
            jobs = self._job_ids_of[prompt]
            allowed = len(jobs) + sum(self.authorized[job] for job in jobs)
            self.expect(count <= allowed or self.uncertain, "2", f"{prompt!r} was paid {count} times")

    def _money_agrees(self, attempts: Sequence[Row]) -> None:
        """Attempt by attempt, then in total: what we count is what the provider kept."""
        if self.uncertain:
            return
        for row in attempts:
            if row["prediction_id"] is None:
                continue
            net = self._account.net(row["prediction_id"])
            ours = self._attempt_sum(row["id"])
            weak = row["reason"] in WEAK_REASONS
            self.expect(
                ours == net or (ours >= net and (weak or row["reservation"] == "refund_due")),
                "money",
                f"attempt {row['id']} ({row['reason']}) counts {ours}, the provider kept {net}",
            )
            if (row["refunded_micros"] or 0) > (row["billed_micros"] or 0):
                told = self.rows(
                    "SELECT 1 FROM events WHERE kind = 'refund_surplus' AND attempt_id = ?", row["id"]
                )
                self.expect(bool(told), "money", f"nobody says that attempt {row['id']} got too much back")
        counted = sum(self._sums["account", 0, "total", name] for name in ("spent", "held", "refund_due"))
        kept = self._account.spent(without=self.listed | (self._contested() - self._known()))
        self.expect(
            counted >= kept or bool(sum(self.authorized.values())),
            "money",
            f"we count {counted}, the provider kept {kept}",
        )

    def _attempt_sum(self, attempt: int) -> int:
        row = self.row(
            "SELECT sum(spent_delta + held_delta + refund_due_delta) AS s FROM ledger WHERE attempt_id = ?",
            attempt,
        )
        return int(row["s"] or 0)

    # --- a database that was put back -----------------------------------------------------------------------

    def restored(self) -> None:
        """Start from what the database says now; remember what it does not."""
        self._seen = self.row("SELECT coalesce(max(seq), 0) AS n FROM watched")["n"]
        self._replay_ledger()
        self._told.clear()
        self._live = {
            row["job_id"]: row["id"]
            for row in self.rows("SELECT id, job_id, state FROM attempts")
            if row["state"] in LIVE
        }
        self.learn_jobs()
        self.posts.clear()
        for row in self.rows("SELECT job_id FROM attempts WHERE submitted_at IS NOT NULL"):
            self.posts[self._prompt_of[row["job_id"]]] += 1
        self.caps = {
            (row["scope"], row["scope_id"], row["window"]): row["cap_micros"]
            for row in self.rows('SELECT scope, scope_id, "window", cap_micros FROM budgets')
        }
        unanswered = self.rows("SELECT 1 FROM attempts WHERE state IN ('submitting', 'in_doubt')")
        if not unanswered:  # else one of those may explain a task of the gap
            self._gap = self._unknown() - self._given_up()
        elif self._unknown() and not self._plan.list_shows_inputs:
            self.uncertain = True
        self._timeline.note("checker", "gap", sorted(self._unknown()))

    def stopped_for_a_gap(self) -> bool:
        """Whether the account waits for an operator to reconcile."""
        return bool(self.rows("SELECT 1 FROM pauses WHERE reason = 'unknown_tasks'"))

    def _replay_ledger(self) -> None:
        self._ledger_seen = 0
        self._sums.clear()
        self._attempt_kinds.clear()
        self._replaying = True
        self._ledger("backup")
        self._replaying = False

    def reconciled(self) -> None:
        """What `reconcile` could not give to a job, it has listed; nothing of the gap is left."""
        if self._gap:
            self.expect(
                not self._unknown() & self._gap, "44", f"reconcile left {sorted(self._unknown() & self._gap)}"
            )
        self._gap.clear()
        noted = {row["prediction_id"] for row in self.rows("SELECT prediction_id FROM foreign_predictions")}
        for task in self._account.ours():
            if task.id in noted and task.id not in self.listed:
                self._only_listed(task)
        self.listed |= noted & self._account.tasks.keys()

    def _only_listed(self, task: SimulatedTask) -> None:
        """A completed task that a waiting job asked for exactly is adopted where the list shows what was
        asked."""
        if not self._plan.list_shows_inputs or not task.paid_for or task.id in self._given_up():
            return
        waiting = [
            row["job_id"]
            for row in self.rows(
                "SELECT s.job_id, s.local_images FROM job_specs s JOIN jobs j ON j.id = s.job_id"
                " WHERE j.state = 'pending'"
            )
            if row["local_images"] in ("{}", {}) and self._prompt_of[row["job_id"]] == task.prompt
        ]
        self.expect(not waiting, "44", f"{task.id} was only listed, and jobs {waiting} wait for it")

    def _given_up(self) -> set[str]:
        """Tasks of attempts that a person wrote off: they were unknown before, so they are no gap."""
        rows = self.rows("SELECT job_id FROM attempts WHERE reason = 'written_off'")
        prompts = {self._prompt_of[row["job_id"]] for row in rows}
        return {task.id for task in self._account.ours() if task.prompt in prompts}

    def _unknown(self) -> set[str]:
        """Tasks of ours that the database knows in no way."""
        return {task.id for task in self._account.ours()} - self._known()

    def _known(self) -> set[str]:
        """Tasks that an attempt holds, or that are noted as nobody's."""
        return {
            row["prediction_id"]
            for table in ("attempts", "foreign_predictions")
            for row in self.rows(f"SELECT prediction_id FROM {table} WHERE prediction_id IS NOT NULL")
        }

    # --- another copy that lives ----------------------------------------------------------------------------

    def born(self, who: str) -> None:
        """A worker begins. What a copy bought by now, newer than all that our database knows, must stop
        it."""
        if self._plan.unknown_tasks != "stop":
            return
        if self._plan.lasting == "list" and self._newest_accepted() is not None:
            self._blind.add(who)
        if not self._plan.copy_buys:
            return
        now, newest = self._account.now(), self._newest_of_ours()
        if newest is None:
            return
        known = self._known()
        found = {
            task.id
            for task in self._account.of_copy()
            if task.id not in known
            and task.visible <= now
            and not self._account.expired(task)
            and self._is_newer(task, newest)
        }
        self._seen_of_copy[who] = found, newest
        self._timeline.edges["start sees a copy"] += bool(found)

    def looks(self, who: str) -> None:
        """The list is shown to a worker, maybe long after its birth: what our database knows has become
        newer since."""
        found, since = self._seen_of_copy.get(who, (set(), 0))
        if not found:
            return
        newest = self._newest_of_ours()
        left = {name for name in found if newest and self._is_newer(self._account.tasks[name], newest)}
        self._seen_of_copy[who] = left, since

    def _newest_of_ours(self) -> int | None:
        """When the newest task of our database was accepted; None also while a lost reply might explain
        another."""
        if self.rows("SELECT 1 FROM attempts WHERE state IN ('submitting', 'in_doubt')"):
            return None
        return self._newest_accepted()

    def _newest_accepted(self) -> int | None:
        newest: int | None = self.row("SELECT max(accepted_at) AS at FROM attempts")["at"]
        return newest

    def _is_newer(self, task: SimulatedTask, at_ms: int) -> bool:
        plan = self._plan
        return plan.start_ms + task.created * 1000 + plan.clock_skew_ms > at_ms

    def _copy_is_known(self, who: str) -> None:
        """A worker sends: what a copy had bought is adopted or noted by now, or explained by others'
        POSTs."""
        shown, since = self._seen_of_copy.get(who, (set(), 0))
        if not shown:
            return
        left = shown - self._known()
        (others,) = self.rows(
            "SELECT count(*) AS n FROM attempts WHERE submitted_at > ? AND worker <> ?",
            since,
            self.workers[who],
        )
        self.expect(
            len(left) <= others["n"],
            "44",
            f"a POST by {who}, and a copy had bought {sorted(left)} before it began",
        )

    def _contested(self) -> set[str]:
        """Tasks of ours whose like a copy bought: which of them is whose cannot be told."""
        asked = {task.prompt for task in self._account.of_copy()}
        return {task.id for task in self._account.ours() if task.prompt in asked} if asked else set()

    # --- for whoever acts -----------------------------------------------------------------------------------

    def row(self, query: str, *values: Any) -> Row:
        """The one row that the query finds."""
        (found,) = self.rows(query, *values)
        return found

    def close(self) -> None:
        """Look no more."""
        self._watch.close()


def _legal(kinds: list[str]) -> bool:
    """A reservation is made once and ends once; corrections by the bill may follow."""
    plain = [kind for kind in kinds if kind != "adjusted"]
    ends = {"settle", "release", "written_off", "refund_due"}
    match plain:
        case ["reserve"]:
            return kinds[0] == "reserve"
        case ["reserve", end]:
            return end in ends
        case ["reserve", "refund_due", end]:
            return end in {"refund_seen", "refund_lapsed", "settle"}
        case _:
            return False
