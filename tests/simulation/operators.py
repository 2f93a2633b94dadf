"""The people: they apply manifests, set caps, pause, cancel, retry and, rarely, give an attempt up."""

import random
from pathlib import Path
from typing import Any

from orchestrator.actions.operator import pausing
from orchestrator.actions.operator.fleet_words import limits_of
from orchestrator.core.keys import job_key
from orchestrator.core.specs import JobSpec, LocalImage, RunSpec
from orchestrator.store.account import configured_limits
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.doubts import doubts
from orchestrator.store.money import budgets, price_lessons, quotes
from orchestrator.store.money.cap_changes import StandingCap
from orchestrator.store.money.decided_caps import decide_cap
from orchestrator.store.runs import adding, copies, jobs, runs

from .brought import file_of, limits_for, named_limits
from .checker import Checker
from .judging import PictureReviewer
from .plan import MODEL, PICTURE, PlannedCap, PlannedRun, SimulationPlan, prompts
from .staged import following
from .steering import CANARY, Steering
from .timeline import Timeline

PERSON = Signature(who="ada", host="a desk", command="the simulation", why="to see what happens")


class Operator:
    """Commands in a process of their own, which never crashes."""

    def __init__(
        self,
        database: Database,
        plan: SimulationPlan,
        checker: Checker,
        timeline: Timeline,
        photo: tuple[Path, str, int],
    ) -> None:
        self._database = database
        self._plan = plan
        self._checker = checker
        self._timeline = timeline
        self._photo = photo
        self._dice = random.Random(f"operator {plan.seed}")
        self._judge = PictureReviewer(database, checker, timeline, seed=plan.seed)
        self.steering = Steering(database, checker, timeline, seed=plan.seed)
        self._paused: set[str] = set()
        self._applied: dict[str, int] = {}

    def apply(self, run: PlannedRun) -> int:
        """What `orchestrator apply` writes; returns how many jobs were new."""
        with self._database.write() as tx:
            stored = runs.ensure_run(tx, self.manifest(run))
            specs = [self.job(run, *each) for each in enumerate(prompts(run))]
            added = adding.add_jobs(tx, stored, [*specs, *following(self._plan, specs)])
            if self._plan.steered and added.new:
                self.steering.begin(tx, stored, specs)
            copies.add_copies(tx, stored, self._twins(run, specs[0]))
            if self._plan.shared_names and len(specs) > 1:
                copies.add_copies(tx, stored, [(specs[0].key, specs[1].output_paths)])
        self._checker.learn_jobs()
        self._timeline.mark("operator", "applied", run.name, added.new, "new")
        return added.new

    def manifest(self, run: PlannedRun, run_key: str = "main") -> RunSpec:
        """What a manifest says of one of its runs."""
        return RunSpec(
            campaign=run.campaign,
            name=run.name,
            run_key=run_key,
            model=MODEL,
            manifest_path=f"jobs/{run.name}.yaml",
            manifest_sha256="0" * 64,
            priority=run.priority,
            max_attempts=run.max_attempts,
            settings=CANARY if self._plan.steered else {},
            chain_reserved=self._plan.chained,
        )

    def _twins(self, run: PlannedRun, job: JobSpec) -> list[tuple[str, tuple[str, ...]]]:
        """Rows that ask for what the first job of a run does: one more each time it is applied, to three."""
        times = self._applied[run.name] = min(3, self._applied.get(run.name, 0) + 1)
        return [
            (job.key, tuple(path.replace(".png", f"-row{row}.png") for path in job.output_paths))
            for row in range(times)
        ]

    def job(self, run: PlannedRun, ordinal: int, item: tuple[int, int, dict[str, Any]]) -> JobSpec:
        """One job of a manifest."""
        number, variation, params = item
        path, sha256, size = self._photo
        written = "photos/a.png"
        local = (
            {written: LocalImage(path=str(path), sha256=sha256, bytes=size, media_type="image/png")}
            if run.local_images
            else {}
        )
        sent = {**params, "images": [written if run.local_images else PICTURE]}
        return JobSpec(
            key=job_key(MODEL, sent, variation),
            ordinal=ordinal,
            variation=variation,
            params=sent,
            local_images=local,
            price_micros=run.price_micros,
            images=run.images,
            output_paths=tuple(
                f"{run.campaign}/{run.name}/{number}-v{variation}-{i}.png" for i in range(run.images)
            ),
        )

    def cap(self, cap: PlannedCap) -> None:
        """`orchestrator budget set`."""
        found = self._scope_id(cap)
        if found is None:
            return
        known = self._checker.words.person_says((cap.scope, found, cap.window), cap.micros)
        new = StandingCap(cap.micros, "operator", known)
        with self._database.write() as tx:
            decide_cap(tx, PERSON, scope=Scope(cap.scope), scope_id=found, window=Window(cap.window), new=new)
        self._timeline.mark("operator", "cap", cap.scope, cap.name, cap.window, cap.micros)

    def bring(self, number: int) -> None:
        """What a command that starts a worker does first with the configuration of that worker."""
        if not self._plan.files:
            return
        file = file_of(self._plan, number)
        wanted: dict[budgets.Key, int] = {}
        ids: dict[tuple[str, str], int] = {}
        for cap in self._plan.caps if file is not None and file.caps is not None else ():
            found = self._scope_id(cap)
            if found is not None and cap.scope != "run":
                wanted[Scope(cap.scope), cap.name, Window(cap.window)] = int(cap.micros * file.caps)
                ids[cap.scope, cap.name] = found
        for (scope, name, window), micros in wanted.items():
            self._checker.words.file_says((scope.value, ids[scope.value, name], window.value), micros)
        budgets.take_configured(self._database, wanted, PERSON)
        limits = limits_of(limits_for(self._plan, number))
        self._checker.words.file_limits(named_limits(self._plan, number))
        with self._database.write() as tx:
            configured_limits.take_configured(tx, limits, PERSON)
        self._timeline.mark("operator", "brings words", number, sorted(wanted.values()))

    def _scope_id(self, cap: PlannedCap) -> int | None:
        if cap.scope == "account":
            return 0
        table = {"campaign": "campaigns", "run": "runs"}[cap.scope]
        rows = self._checker.rows(f"SELECT id FROM {table} WHERE name = ?", cap.name)
        return rows[0]["id"] if rows else None

    def accept_price(self) -> None:
        """`orchestrator resume --model`, where a dearer price has stopped it and is worth it."""
        if not self._checker.rows("SELECT 1 FROM pauses WHERE reason = 'price_drift'"):
            return
        self._agrees_to_prices()
        with self._database.write() as tx:
            quotes.accept(tx, MODEL)
        self._timeline.mark("operator", "accepts the price")
        self._timeline.edges["price accepted"] += 1

    def act(self) -> None:
        """One random command."""
        command = self._dice.choice(
            (
                self._pause,
                self._pause,
                self._cancel,
                self._retry,
                self._retry,
                self._change_cap,
                self._again,
                self._give_up,
                self._agree_to_bill,
            )
        )
        command()
        if self._plan.shared_names and not self._plan.reviews:
            self._judge.judge()

    def _pause(self) -> None:
        name = self._dice.choice(sorted({run.campaign for run in self._plan.runs}))
        with self._database.write() as tx:
            if name in self._paused:
                pausing.resume_campaign(tx, name, PERSON)
            else:
                pausing.pause_campaign(tx, name, PERSON)
        self._paused ^= {name}
        self._timeline.mark("operator", "paused" if name in self._paused else "resumed", name)

    def _cancel(self) -> None:
        rows = self._checker.rows("SELECT id FROM jobs WHERE state IN ('pending', 'running') ORDER BY id")
        chosen = [row["id"] for row in rows if self._dice.random() < 0.3]
        with self._database.write() as tx:
            jobs.cancel(tx, chosen)
        self._timeline.mark("operator", "cancelled", chosen)

    def _retry(self) -> None:
        rows = self._checker.rows("SELECT id FROM jobs WHERE state IN ('failed', 'cancelled') ORDER BY id")
        chosen = [row["id"] for row in rows if self._dice.random() < 0.5]
        for job in chosen:
            paid = self._checker.rows(
                "SELECT 1 FROM attempts WHERE job_id = ? AND reservation = 'settled'", job
            )
            self._checker.scene.authorized[job] += len(paid)
        with self._database.write() as tx:
            jobs.retry(tx, chosen)
        self._timeline.mark("operator", "retried", chosen)

    def _change_cap(self) -> None:
        if not self._plan.caps:
            return
        cap = self._dice.choice(self._plan.caps)
        changed = PlannedCap(
            scope=cap.scope,
            name=cap.name,
            window=cap.window,
            micros=int(cap.micros * self._dice.choice((0.5, 1.5, 3.0))),
        )
        self.cap(changed)

    def _again(self) -> None:
        """Applying the same manifest twice adds nothing."""
        run = self._dice.choice(self._plan.runs)
        new = self.apply(run)
        self._checker.expect(new == 0, "7", f"applying {run.name} again made {new} new jobs")

    def _agrees_to_prices(self) -> None:
        scene = self._checker.scene
        dearest = scene.account.prices.dearest_percent()
        scene.agreed_percent = max(dearest, dearest * self._plan.charge_percent // 100)

    def _agree_to_bill(self) -> None:
        with self._database.write() as tx:
            if price_lessons.agree(tx, MODEL):
                self._agrees_to_prices()
                self._timeline.mark("operator", "agrees to the bill")

    def _give_up(self) -> None:
        with self._database.write() as tx:
            open_doubts = doubts.in_doubt(tx)
            if open_doubts and self._dice.random() < 0.9:
                doubts.write_off(tx, open_doubts[0])
                self._timeline.mark("operator", "wrote off", open_doubts[0].attempt_id)
