"""One seed from beginning to end: workers come, crash and come back; people interfere; the faults stop."""

import asyncio
import contextvars
import random

from orchestrator.core.errors import OperatorNeededError, OrchestratorError
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.stops import stops_over, survey
from orchestrator.worker.stop import Stop

from .account import SimulatedAccount
from .bench import Bench
from .births import Births
from .checker import Checker
from .dependencies import SimulatedWorld
from .disk import SimulatedDisk
from .lasting import PATIENCE_SECONDS, UNREADABLE
from .loop import VirtualLoop
from .operators import Operator
from .pace import calm
from .plan import SimulationPlan
from .process import Process, owner, task_factory
from .reconciling import Reconciler
from .surroundings import Surroundings
from .timeline import Timeline
from .webhooks import Webhooks

QUIET_LIMIT = 8 * 3600.0
"""Without faults, everything that can end has ended by then."""

LASTING_MORE = 4 * 3600.0
"""Where something stays broken, workers give up and begin again for so long."""


class Simulation:
    """The cast of one seed."""

    def __init__(self, plan: SimulationPlan, stage: Bench) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self.bench = stage
        self.dice = random.Random(f"simulation {plan.seed}")
        self.names = iter(range(1, 100_000))
        self.alive: dict[int, Process] = {}
        self.stops: dict[int, Stop] = {}
        self.crashes = 0
        self.commands = plan.operator_actions
        self.put_back = plan.restored is None
        self.quiet_at = float("inf")
        self.births = Births(self)
        self.reconciling = Reconciler(self)
        self.surroundings = Surroundings(self)
        self.failed: asyncio.Event
        self.open: asyncio.Event  # closed while the store is being put back

    async def run(self, loop: VirtualLoop) -> None:
        """All of it; raises ViolationError."""
        self._set_up(loop)
        background = self.surroundings.begin(loop)
        workers = [loop.create_task(self._supervise(number)) for number in range(self.plan.workers)]
        failed = loop.create_task(self.failed.wait())
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
            for process in list(self.alive.values()):
                process.dead = True
            for task in (*background, *workers, failed):
                task.cancel()
            for process in list(self.alive.values()):
                await process.drop()
            self.checker.close()

    def _set_up(self, loop: VirtualLoop) -> None:
        loop.set_task_factory(task_factory)
        self.failed = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.loop = loop
        self.timeline.now = loop.time
        self.world = SimulatedWorld(self.plan.start_ms, loop.time)
        self.account = SimulatedAccount(self.plan, self.timeline, loop.time)
        self.disk = SimulatedDisk(self.account, self.plan.seed)
        self.checker = Checker(
            watch=self.bench.watch(),
            plan=self.plan,
            account=self.account,
            disk=self.disk,
            timeline=self.timeline,
        )
        operator_process = Process(name="operator", pid=0, timeline=self.timeline, strike=lambda _kind: False)
        operator_process.mortal = False
        server_time = self.world.now_ms if self.plan.database_has_clock else None
        database = self.bench.database.seen_by(
            self.world, self.births.hook(operator_process), server_time=server_time
        )
        self.operator = Operator(
            database=database,
            plan=self.plan,
            checker=self.checker,
            timeline=self.timeline,
            photo=self.bench.photo,
        )
        self.reader = database
        self.webhooks = Webhooks(
            plan=self.plan,
            account=self.account,
            checker=self.checker,
            world=self.world,
            serve=self.births.serve,
        )
        self.webhooks.is_open = self.open.is_set
        self.webhooks.failed = self.failed.set
        if self.plan.webhook_wait_seconds is not None:
            self.account.accepted = self.webhooks.promise
        for run in self.plan.runs:
            self.operator.apply(run)
        for cap in self.plan.caps:
            self.operator.cap(cap)
        self.operator.bring(0)

    async def _supervise(self, number: int) -> None:
        """Keep one worker running: start it, bury it, start the next."""
        await asyncio.sleep(self.dice.uniform(0, 20))
        while True:
            await self.open.wait()
            self.operator.bring(number)
            process = self.births.process(number)
            stop = Stop()
            self.stops[process.pid] = stop
            context = contextvars.copy_context()
            context.run(owner.set, process)
            worker = self.births.worker(process, context)
            task = self.loop.create_task(worker.run(stop), context=context)
            died = self.loop.create_future()
            process.on_cut = lambda died=died: None if died.done() else died.set_result(None)
            await asyncio.wait({task, died}, return_when=asyncio.FIRST_COMPLETED)
            await self._bury(process, task)
            if self.checker.failure is not None:
                self.failed.set()
                return
            if not process.dead and isinstance(task.exception(), OperatorNeededError):
                if self._is_in_vain():
                    return
                await self.reconciling.reconcile()
            elif not process.dead and self.checker.stopped_for_a_gap() and await self.reconciling.reconcile():
                continue
            if self.account.quiet and not process.dead and not task.cancelled() and task.exception() is None:
                return
            longest = 3 * self.plan.lease_seconds if process.dead else 300.0
            await asyncio.sleep(self.dice.choice((self.dice.uniform(0, 2), self.dice.uniform(0, longest))))

    def _is_in_vain(self) -> bool:
        """Whether people give up: what workers say they must read first stays unreadable, long after all
        else is well."""
        if self.plan.lasting not in UNREADABLE or self.loop.time() < self.quiet_at + PATIENCE_SECONDS:
            return False
        self.timeline.edges["drains end in vain"] += 1
        return True

    async def _bury(self, process: Process, task: "asyncio.Task[None]") -> None:
        if not process.dead:
            await asyncio.wait({task})
        else:
            await process.drop()
        self.alive.pop(process.pid, None)
        self.stops.pop(process.pid, None)
        if process.dead or task.cancelled():
            return
        error = task.exception()
        self.timeline.mark(process.name, "ends", repr(error) if error else "in order")
        if error is not None and not isinstance(error, OrchestratorError):
            self.checker.broke("a worker", error)

    async def _quiet(self, loop: VirtualLoop) -> None:
        """The faults end; what was started can finish."""
        while not self.put_back or (loop.time() < self.plan.faults_until and not self._nothing_left()):
            await asyncio.sleep(10.0)
        self.account.quiet = True
        self.quiet_at = loop.time()
        calm()
        self.timeline.mark("clock", "the faults are over")
        for process in self.alive.values():
            process.mortal = False
            process.thaw()
        self.webhooks.calm()
        loop.limit = loop.time() + QUIET_LIMIT + (LASTING_MORE if self.plan.lasting else 0.0)

    def _nothing_left(self) -> bool:
        """Whether no fault could strike any more: all jobs are over, and nobody means to interfere."""
        unfinished = "SELECT 1 FROM jobs WHERE finished_at IS NULL LIMIT 1"
        return not (self.commands or self.surroundings.reviews or self.checker.rows(unfinished))

    def _comes_to_rest(self) -> bool:
        with self.reader.read() as tx:
            return outlook(tx, self.plan.timezone).finished

    async def _afterwards(self) -> None:
        """Refunds arrive while nobody works; a last worker books what there is to book; then all is
        checked."""
        await asyncio.sleep(self.plan.refund_max + self.plan.last_look_after)
        self.operator.bring(99)
        process = self.births.process(99)
        context = contextvars.copy_context()
        context.run(owner.set, process)
        stop = Stop()
        worker = self.births.worker(process, context)
        worker._drain = False
        task = self.loop.create_task(worker.run(stop), context=context)
        await asyncio.sleep(200)
        until = self.loop.time() + PATIENCE_SECONDS if self.plan.lasting in UNREADABLE else float("inf")
        while (
            not self._comes_to_rest() and self.loop.time() < until
        ):  # what an interrupted worker left, and nobody has taken up since
            await asyncio.sleep(60)
        stop.request()
        await asyncio.wait({task})
        await self._bury(process, task)
        if self.checker.failure is not None:
            raise self.checker.failure
        with self.reader.read() as tx:
            stopped = any(stops_over(tx, lane) for lane in survey(tx, self.plan.timezone).lanes)
            self.checker.months.adds_up(tx, self.plan.timezone)
        self.checker.finish(stopped=stopped)
        for run in self.plan.runs:
            new = self.operator.apply(run)
            self.checker.expect(new == 0, "7", f"applying {run.name} again made {new} new jobs")
