"""One seed from beginning to end: workers come, crash and come back; people interfere; then the faults
stop."""

import asyncio
import contextvars
import gc
import random
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from orchestrator.actions.operator.assign_task import assign_task
from orchestrator.actions.reconciling.reconcile import Period, Reconciliation, reconcile
from orchestrator.core.errors import DatabaseError, OperatorNeededError, OrchestratorError, UsageError
from orchestrator.settings import Settings
from orchestrator.settings.model import (
    Budgets,
    Guards,
    InDoubtSettings,
    Limits,
    Outputs,
    Retry,
    Webhook,
    WorkerSettings,
)
from orchestrator.store.db.database import Database
from orchestrator.store.doubts import adoption
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.stops import stops_over, survey
from orchestrator.web import Receiver
from orchestrator.worker import worker as worker_module
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts import resolver
from orchestrator.worker.pipeline import claim
from orchestrator.worker.stop import Stop
from orchestrator.worker.upkeep import rescue, upkeep
from orchestrator.worker.upkeep.billing import TROUBLE

from .account import SimulatedAccount
from .bench import Bench, benches
from .checker import Checker
from .disk import SimulatedDisk
from .endpoints import Endpoints
from .lasting import PATIENCE_SECONDS, UNREADABLE
from .loop import HangError, VirtualLoop, run_virtual
from .operators import Operator
from .plan import PICTURE, SimulationPlan, draw, prompts
from .process import (
    GatedArtifacts,
    GroupedWrites,
    PowerCut,
    Process,
    SimClock,
    SimEntropy,
    SimulatedWorld,
    SimWorker,
    SingleWrites,
    facts,
    owner,
    task_factory,
)
from .timeline import Timeline, ViolationError
from .webhooks import SECRET, URL, Webhooks

BASE_URL = "https://api.wavespeed.ai"
HOUR_MS = 3_600_000
LATE_SECONDS = 150.0
"""Until then everything that was sent has become a task: see `lost_created_late` and SUBMIT_SECONDS."""

BACKUP_AT_CLAIM = 0.5
"""How often a backup is taken at its worst moment."""

VIRTUAL_LIMIT = 40 * 86_400.0
QUIET_LIMIT = 8 * 3600.0
"""Without faults, everything that can end has ended by then."""

LASTING_MORE = 4 * 3600.0
"""Where something stays broken, workers give up and begin again for so long."""


@dataclass
class Result:
    """What became of one seed."""

    seed: int
    plan: SimulationPlan
    timeline: Timeline
    failure: str | None = None
    detail: str = ""
    misadopted: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    posts: int = 0
    virtual_seconds: float = 0.0
    uncertain: bool = False


class Simulation:
    """The cast of one seed."""

    def __init__(self, plan: SimulationPlan, stage: Bench) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self._bench = stage
        self._dice = random.Random(f"simulation {plan.seed}")
        self._names = iter(range(1, 100_000))
        self._alive: dict[int, Process] = {}
        self._stops: dict[int, Stop] = {}
        self._crashes = 0
        self._commands = plan.operator_actions
        self._put_back = plan.restored is None
        self._quiet_at = float("inf")
        self._failed: asyncio.Event
        self._open: asyncio.Event  # closed while the store is being put back

    async def run(self, loop: VirtualLoop) -> None:
        """All of it; raises ViolationError."""
        self._set_up(loop)
        background = [
            loop.create_task(job)
            for job in (
                self._foreigners(),
                self._other_copy(),
                self._people(),
                self._clock(),
                self._backup(),
            )
        ]
        workers = [loop.create_task(self._supervise(number)) for number in range(self.plan.workers)]
        failed = loop.create_task(self._failed.wait())
        try:
            everything = asyncio.gather(*workers)
            quieting = loop.create_task(self._quiet(loop))
            await asyncio.wait({everything, failed}, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                assert self.checker.failure is not None
                raise self.checker.failure
            await everything
            await quieting
            await self._afterwards()
        finally:
            self.webhooks.close()
            for process in list(self._alive.values()):
                process.dead = True
            for task in (*background, *workers, failed):
                task.cancel()
            for process in list(self._alive.values()):
                await process.drop()
            self.checker.close()

    def _set_up(self, loop: VirtualLoop) -> None:
        loop.set_task_factory(task_factory)
        self._failed = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._loop = loop
        self.timeline.now = loop.time
        self.world = SimulatedWorld(self.plan.start_ms, loop.time)
        self.account = SimulatedAccount(self.plan, self.timeline, loop.time)
        self.disk = SimulatedDisk(self.account, self.plan.seed)
        self.checker = Checker(
            watch=self._bench.watch(),
            plan=self.plan,
            account=self.account,
            disk=self.disk,
            timeline=self.timeline,
        )
        operator_process = Process(name="operator", pid=0, timeline=self.timeline, strike=lambda _kind: False)
        operator_process.mortal = False
        server_time = self.world.now_ms if self.plan.database_has_clock else None
        database = self._bench.database.seen_by(
            self.world, self._hook(operator_process), server_time=server_time
        )
        self.operator = Operator(
            database=database,
            plan=self.plan,
            checker=self.checker,
            timeline=self.timeline,
            photo=self._bench.photo,
        )
        self._reader = database
        self.webhooks = Webhooks(
            plan=self.plan, account=self.account, checker=self.checker, world=self.world, serve=self._serve
        )
        self.webhooks.is_open = self._open.is_set
        self.webhooks.failed = self._failed.set
        if self.plan.webhook_wait_seconds is not None:
            self.account.accepted = self.webhooks.promise
        for run in self.plan.runs:
            self.operator.apply(run)
        for cap in self.plan.caps:
            self.operator.cap(cap)

    def _hook(self, process: Process) -> Any:
        def hook(name: str) -> None:
            if name == "db.before_commit":
                self._before_commit(process)
            elif name == "db.after_commit":
                try:
                    self.checker.committed(process.name)
                except ViolationError:
                    self._failed.set()
                    raise
            process.crashpoint(name)
            if name == "db.after_commit" and process.strikes("commit_unknown"):
                raise DatabaseError("the server closed the connection", transient=True, in_doubt=True)

        return hook

    def _before_commit(self, process: Process) -> None:
        """What may keep a transaction from being durable."""
        if process.strikes("database_busy"):
            raise DatabaseError("the database is locked", transient=True)
        if process.strikes("database_full"):
            raise DatabaseError("the disk is full")
        self._reach_database(process)

    def _reach_database(self, process: Process) -> None:
        if process.mortal and self.account.during("database_away"):
            raise DatabaseError("the server cannot be reached", transient=True)

    # --- workers --------------------------------------------------------------------------------------------

    async def _supervise(self, number: int) -> None:
        """Keep one worker running: start it, bury it, start the next."""
        await asyncio.sleep(self._dice.uniform(0, 20))
        while True:
            await self._open.wait()
            process = self._born(number)
            stop = Stop()
            self._stops[process.pid] = stop
            context = contextvars.copy_context()
            context.run(owner.set, process)
            worker = self._worker(process, context)
            task = self._loop.create_task(worker.run(stop), context=context)
            died = self._loop.create_future()
            process.on_cut = lambda died=died: None if died.done() else died.set_result(None)
            await asyncio.wait({task, died}, return_when=asyncio.FIRST_COMPLETED)
            await self._bury(process, task)
            if self.checker.failure is not None:
                self._failed.set()
                return
            if not process.dead and isinstance(task.exception(), OperatorNeededError):
                if self._is_in_vain():
                    return
                await self._reconcile()
            elif not process.dead and self.checker.stopped_for_a_gap() and await self._reconcile():
                continue
            if self.account.quiet and not process.dead and not task.cancelled() and task.exception() is None:
                return
            longest = 3 * self.plan.lease_seconds if process.dead else 300.0
            await asyncio.sleep(self._dice.choice((self._dice.uniform(0, 2), self._dice.uniform(0, longest))))

    def _is_in_vain(self) -> bool:
        """Whether people give up: what workers say they must read first stays unreadable, long after all
        else is well."""
        if self.plan.lasting not in UNREADABLE or self._loop.time() < self._quiet_at + PATIENCE_SECONDS:
            return False
        self.timeline.edges["drains end in vain"] += 1
        return True

    def _born(self, number: int) -> Process:
        process = Process(
            name=f"w{number}.{next(self._names)}",
            pid=next(self._names),
            timeline=self.timeline,
            strike=self._strikes,
        )
        process.freeze_for = lambda: (
            self._dice.choice((0.1, 0.3, 1.5, 4.0)) * self.plan.lease_seconds
            + self._dice.choice((0.0, 1.5)) * self.plan.settle_seconds
        )
        process.on_thaw = self.checker.posts.thawed
        process.mortal = not self.account.quiet
        self._alive[process.pid] = process
        self.timeline.note(process.name, "starts", f"pid {process.pid}")
        return process

    def _strikes(self, kind: str) -> bool:
        if kind in {"crash", "kill"} and self._crashes >= self.plan.max_crashes:
            return False
        if not self.account.strike(kind):
            return False
        self._crashes += kind in {"crash", "kill"}
        return True

    def _connect(self, process: Process, hook: Any) -> tuple[Database, GroupedWrites | SingleWrites]:
        """The database and the writer of a process."""
        ahead_ms, server_time = 0, None
        if self.plan.database_has_clock:
            ahead_ms = random.Random(f"host {self.plan.seed} {process.name[:2]}").randint(-HOUR_MS, HOUR_MS)
            server_time = self.world.now_ms

        def before_read() -> None:
            if process.strikes("read_failed"):
                raise DatabaseError("the connection was reset", transient=True)
            self._reach_database(process)

        database = self._bench.database.seen_by(
            SimClock(self.world, process, ahead_ms), hook, server_time=server_time, before_read=before_read
        )
        dice = random.Random(f"writer {self.plan.seed} {process.name}")
        return database, (GroupedWrites if self.plan.grouped_writes else SingleWrites)(
            database, process, dice
        )

    def _serve(self) -> tuple[Process, Receiver]:
        """A process of `orchestrator serve`, which has opened the database."""
        name = f"s.{next(self._names)}"
        process = Process(name=name, pid=0, timeline=self.timeline, strike=self._strikes)
        process.freeze_for = lambda: self._dice.uniform(0, 60)
        process.mortal = not self.account.quiet
        database, writer = self._connect(process, self._hook(process))
        with suppress(DatabaseError), database.read():
            pass
        return process, Receiver(writer, database.clock, [SECRET])

    def _worker(self, process: Process, context: contextvars.Context) -> SimWorker:
        hook = self._hook(process)
        database, writer = self._connect(process, hook)
        deps = Deps(
            database=database,
            writer=writer,
            provider=Endpoints(account=self.account, process=process, checker=self.checker, world=self.world),
            artifacts=GatedArtifacts(self.disk, process),
            clock=database.clock,
            entropy=SimEntropy(f"entropy {self.plan.seed} {process.name}"),
            settings=self._settings(),
            facts=facts,
            crashpoint=hook,
            notify=self._hear,
        )
        worker = context.run(SimWorker, deps, drain=True, is_alive=self._is_alive)
        worker.pid = process.pid
        self.checker.scene.workers[process.name] = worker.id
        self.checker.copies.born(process.name)
        return worker

    def _hear(self, message: str) -> None:
        """What a worker tells. Trouble with the bill does not end it, and is a bug all the same."""
        if message.startswith(TROUBLE):
            self.checker.broke("a worker", RuntimeError(message))

    def _is_alive(self, pid: int) -> bool:
        return pid in self._alive or not self.plan.hosts_see_death

    def _settings(self) -> Settings:
        plan = self.plan
        return Settings(
            self._bench.url,
            Outputs("/outputs"),
            limits=Limits(
                level="gold",
                concurrency=plan.concurrency,
                submits_per_minute=plan.submits_per_minute,
                polls_per_second=50.0,
            ),
            budgets=Budgets(on_failed=plan.on_failed, timezone=plan.timezone),  # type: ignore[arg-type]
            in_doubt=InDoubtSettings(plan.settle_seconds),
            guards=Guards(unknown_tasks=plan.unknown_tasks),  # type: ignore[arg-type]
            retry=Retry(),
            webhook=Webhook()
            if plan.webhook_wait_seconds is None
            else Webhook(URL, wait_seconds=plan.webhook_wait_seconds),
            worker=WorkerSettings(plan.lease_seconds),
        )

    async def _reconcile(self) -> bool:
        """A person answers a worker that asks for it; False when doubts must end before that.

        What only a person can decide is decided by what the pictures show: whether a task is what a waiting
        job wants.
        """
        if self.plan.lasting == "list":
            return False
        report, of_this_stop = await self._compare(not_ours=False)
        while report.possible:
            if not all(job.waits for item in report.possible for job in self._askers(item.task.id)):
                await asyncio.sleep(self.plan.lease_seconds)
                report, of_this_stop = await self._compare(not_ours=False)
                continue
            for item in report.possible:
                await self._give(item.task.id)
            report, of_this_stop = await self._compare(not_ours=True)
        if of_this_stop and not self.checker.stopped_for_a_gap():
            self.checker.restored_store.reconciled()
        return not report.in_doubt

    def _askers(self, task: str) -> list[adoption.PendingJob]:
        """Jobs that ask for just what the task shows, and were not sent yet."""
        wanted = self.account.tasks[task].inputs
        with self._reader.read() as tx:
            return [job for job in adoption.pending_jobs(tx, BASE_URL) if {**wanted, **job.certain} == wanted]

    async def _give(self, task: str) -> None:
        """Give a task to a waiting job that asks for just what it shows; there may be none."""
        for job in self._askers(task)[:1]:
            process = Process(name="operator", pid=0, timeline=self.timeline, strike=lambda _kind: False)
            provider = Endpoints(
                account=self.account, process=process, checker=self.checker, world=self.world
            )
            entropy = SimEntropy(f"adopt {self.plan.seed} {next(self._names)}")
            with suppress(UsageError):  # a worker may have been quicker, or the provider does not answer
                await assign_task(
                    database=self._reader,
                    provider=provider,
                    entropy=entropy,
                    job_id=job.job_id,
                    prediction_id=task,
                    timezone=self.plan.timezone,
                )
                self.timeline.note("operator", "gives", job.job_id, task)

    async def _compare(self, *, not_ours: bool) -> tuple[Reconciliation, bool]:
        """The report, and whether the store was stopped before it and is still the one that was."""
        await asyncio.sleep(self._dice.uniform(1, 300))
        before = self.checker.stopped_for_a_gap(), self._put_back
        process = Process(name="operator", pid=0, timeline=self.timeline, strike=lambda _kind: False)
        now = self.world.now_ms()
        report = await reconcile(
            database=self._reader,
            provider=Endpoints(account=self.account, process=process, checker=self.checker, world=self.world),
            clock=SimClock(self.world, process),
            entropy=SimEntropy(f"reconcile {self.plan.seed} {next(self._names)}"),
            period=Period(
                start_ms=now - 7 * 86_400_000,
                end_ms=now + 600_000,
                base_url=BASE_URL,
                timezone=self.plan.timezone,
            ),
            sidecars=lambda _path: None,
            not_ours=not_ours,
        )
        self.timeline.note(
            "operator",
            "reconciled",
            "agrees" if report.agrees else "differs",
            report.adopted,
        )
        return report, before == (True, self._put_back)

    async def _bury(self, process: Process, task: "asyncio.Task[None]") -> None:
        if not process.dead:
            await asyncio.wait({task})
        else:
            await process.drop()
        self._alive.pop(process.pid, None)
        self._stops.pop(process.pid, None)
        if process.dead or task.cancelled():
            return
        error = task.exception()
        self.timeline.note(process.name, "ends", repr(error) if error else "in order")
        if error is not None and not isinstance(error, OrchestratorError):
            self.checker.broke("a worker", error)

    # --- what happens around them ---------------------------------------------------------------------------

    async def _foreigners(self) -> None:
        """Other users of the same account."""
        for _ in range(self.plan.foreign_tasks):
            await asyncio.sleep(
                self._dice.uniform(0, self.plan.faults_until / max(1, self.plan.foreign_tasks))
            )
            self.account.create(self.account.foreign_inputs(), foreign=True)
            self.timeline.faults["foreign_task"] += 1

    async def _other_copy(self) -> None:
        """Another copy of the store, whose workers live: it buys one job after another, as its list of
        jobs says."""
        dice = random.Random(f"copy {self.plan.seed}")
        jobs = [params for run in self.plan.runs for _, _, params in prompts(run)]
        first = dice.randrange(len(jobs))
        await asyncio.sleep(dice.uniform(0, self.plan.faults_until))
        for params in (jobs[first:] + jobs[:first])[: self.plan.copy_buys]:
            if self.account.quiet:
                return
            self.account.create({**params, "images": [PICTURE]}, foreign=True, by_copy=True)
            self.timeline.faults["bought_by_copy"] += 1
            await asyncio.sleep(dice.choice((dice.uniform(0, 2), dice.uniform(0, 120))))

    async def _people(self) -> None:
        while self._commands:
            await asyncio.sleep(self._dice.uniform(1, 250))
            self._commands -= 1
            if self.account.quiet:
                return
            try:
                if self._stops and self._dice.random() < 0.2:
                    pid = self._dice.choice(sorted(self._stops))
                    self.timeline.note("operator", "interrupts", self._alive[pid].name)
                    self._stops[pid].request()
                else:
                    self.operator.act()
            except ViolationError:
                self._failed.set()
                raise

    async def _clock(self) -> None:
        """The wall clock jumps; everybody sleeps."""
        if self.plan.clock_jump_ms:
            await asyncio.sleep(self._dice.uniform(5, self.plan.faults_until))
            self.world.offset_ms += self.plan.clock_jump_ms
            self.timeline.fault("clock", "clock_jump", self.plan.clock_jump_ms)
        if self.plan.long_sleep:
            at, seconds = self.plan.long_sleep
            await asyncio.sleep(max(0.0, at - self._loop.time()))
            if self.account.quiet:
                return
            self.timeline.fault("clock", "everybody_sleeps", seconds)
            for process in self._alive.values():
                process.freeze(seconds)

    async def _backup(self) -> None:
        """A backup is taken, and put back later: the files and the provider stay as they are."""
        if self.plan.restored is None:
            return
        at, taken = self.plan.restored
        await asyncio.sleep(taken)
        while not self.checker.rows("SELECT 1 FROM attempts WHERE accepted_at IS NOT NULL LIMIT 1"):
            if self._loop.time() > self.plan.faults_until:
                self._put_back = True
                return
            await asyncio.sleep(5.0)  # a database that knows of no task cannot tell that some are missing
        if self._dice.random() < BACKUP_AT_CLAIM:
            await self._until_leased()
        kept = self._bench.backup()
        self.timeline.note("operator", "takes a backup")
        await asyncio.sleep(at - taken)
        self._open.clear()
        for process in list(self._alive.values()):
            with suppress(PowerCut):
                process.cut("for the backup")
        await asyncio.sleep(self.plan.list_lag + LATE_SECONDS)
        self._bench.restore(kept)
        self.timeline.fault("operator", "restored")
        self.checker.restored()
        self._put_back = True
        self._open.set()

    async def _until_leased(self) -> None:
        """Wait for the worst moment to take a backup: what is claimed, and is not known to be sent."""
        for _ in range(400):
            if self.checker.rows("SELECT 1 FROM attempts WHERE state = 'leased' LIMIT 1"):
                return
            await asyncio.sleep(0.05)

    async def _quiet(self, loop: VirtualLoop) -> None:
        """The faults end; what was started can finish."""
        while not self._put_back or (loop.time() < self.plan.faults_until and not self._nothing_left()):
            await asyncio.sleep(10.0)
        self.account.quiet = True
        self._quiet_at = loop.time()
        _idle_at([60.0] * len(PACES))  # who waits for nothing but time may as well wait calmly
        self.timeline.note("clock", "the faults are over")
        for process in self._alive.values():
            process.mortal = False
            process.thaw()
        self.webhooks.calm()
        loop.limit = loop.time() + QUIET_LIMIT + (LASTING_MORE if self.plan.lasting else 0.0)

    def _nothing_left(self) -> bool:
        """Whether no fault could strike any more: all jobs are over, and nobody means to interfere."""
        return not self._commands and not self.checker.rows(
            "SELECT 1 FROM jobs WHERE finished_at IS NULL LIMIT 1"
        )

    def _comes_to_rest(self) -> bool:
        with self._reader.read() as tx:
            return outlook(tx, self.plan.timezone).finished

    async def _afterwards(self) -> None:
        """Refunds arrive while nobody works; a last worker books what there is to book; then all is
        checked."""
        await asyncio.sleep(self.plan.refund_max + self.plan.last_look_after)
        process = self._born(99)
        context = contextvars.copy_context()
        context.run(owner.set, process)
        stop = Stop()
        worker = self._worker(process, context)
        worker._drain = False
        task = self._loop.create_task(worker.run(stop), context=context)
        await asyncio.sleep(200)
        until = self._loop.time() + PATIENCE_SECONDS if self.plan.lasting in UNREADABLE else float("inf")
        while (
            not self._comes_to_rest() and self._loop.time() < until
        ):  # what an interrupted worker left, and nobody has taken up since
            await asyncio.sleep(60)
        stop.request()
        await asyncio.wait({task})
        await self._bury(process, task)
        if self.checker.failure is not None:
            raise self.checker.failure
        with self._reader.read() as tx:
            stopped = any(stops_over(tx, lane) for lane in survey(tx, self.plan.timezone).lanes)
        self.checker.finish(stopped=stopped)
        for run in self.plan.runs:
            new = self.operator.apply(run)
            self.checker.expect(new == 0, "7", f"applying {run.name} again made {new} new jobs")


PACES: list[tuple[Any, str]] = [
    (claim, "IDLE_SECONDS"),
    (rescue, "IDLE_SECONDS"),
    (worker_module, "DRAIN_SECONDS"),
    (upkeep, "UPKEEP_SECONDS"),
    (resolver, "IDLE_CHECK_SECONDS"),
    (resolver, "REPORTS_SECONDS"),
]


@contextmanager
def _slower_idling(plan: SimulationPlan) -> Iterator[None]:
    """Idle looks cost real time and find nothing: a seed takes its own pace."""
    kept = [getattr(module, name) for module, name in PACES]
    idle = plan.idle_seconds
    _idle_at((idle, idle, idle / 2, 60.0, idle, idle / 4))
    try:
        yield
    finally:
        _idle_at(kept)


def _idle_at(paces: Sequence[float]) -> None:
    for (module, name), seconds in zip(PACES, paces, strict=True):
        setattr(module, name, seconds)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """One seed leaves little behind; looking for it while it runs takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def simulate(
    seed: int, theme: str | None = None, plan: SimulationPlan | None = None, *, database: str = "sqlite"
) -> Result:
    """Run one seed; a failure is in the result, with its timeline."""
    plan = plan or draw(seed, theme)
    stage = benches.get(database)
    stage.wipe()
    simulation = Simulation(plan, stage)
    result = Result(seed, plan, simulation.timeline)
    with _slower_idling(plan), _no_garbage_collection():
        try:
            run_virtual(simulation.run, VIRTUAL_LIMIT)
        except (ViolationError, HangError) as error:
            first = simulation.checker.failure
            result.failure = str(first or f"invariant 10: {error}")
        except Exception as error:
            result.failure = f"the simulation broke: {error!r}"
            result.detail = traceback.format_exc()
    result.misadopted = simulation.checker.states.misadopted
    result.uncertain = simulation.checker.scene.uncertain
    result.posts = sum(simulation.checker.posts.posts.values())
    result.virtual_seconds = simulation.timeline.events[-1][0] if simulation.timeline.events else 0.0
    return result
