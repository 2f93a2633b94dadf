"""Processes that begin: their database, their chance to break, a worker or a receiver in each."""

import contextvars
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import DatabaseError
from orchestrator.settings import Settings
from orchestrator.settings.model import (
    Budgets,
    Guards,
    InDoubtSettings,
    Outputs,
    Retry,
    Webhook,
    WorkerSettings,
)
from orchestrator.store.db.database import Database
from orchestrator.web import Receiver
from orchestrator.worker.deps import Deps
from orchestrator.worker.upkeep.billing import TROUBLE

from .brought import limits_for
from .dependencies import GatedArtifacts, GatedMover, SimClock, SimEntropy, SimWorker, facts
from .endpoints import Endpoints
from .process import Process
from .timeline import ViolationError
from .webhooks import SECRET, URL
from .writers import GroupedWrites, SingleWrites

if TYPE_CHECKING:
    from .simulation import Simulation

HOUR_MS = 3_600_000


def number_of(name: str) -> int:
    """Which worker a process is of: 3 for `w3.17`."""
    return int(name[1:].split(".", maxsplit=1)[0])


class Births:
    """Makes each process with what it may touch."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation

    def hook(self, process: Process) -> Any:
        def hook(name: str) -> None:
            if name == "db.before_commit":
                self._before_commit(process)
            elif name == "db.after_commit":
                try:
                    self._simulation.checker.committed(process.name)
                except ViolationError:
                    self._simulation.failed.set()
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
        if process.mortal and self._simulation.account.during("database_away"):
            raise DatabaseError("the server cannot be reached", transient=True)

    def process(self, number: int) -> Process:
        process = Process(
            name=f"w{number}.{next(self._simulation.names)}",
            pid=next(self._simulation.names),
            timeline=self._simulation.timeline,
            strike=self._strikes,
        )
        process.freeze_for = lambda: (
            self._simulation.dice.choice((0.1, 0.3, 1.5, 4.0)) * self._simulation.plan.lease_seconds
            + self._simulation.dice.choice((0.0, 1.5)) * self._simulation.plan.settle_seconds
        )
        process.on_thaw = self._simulation.checker.posts.thawed
        process.mortal = not self._simulation.account.quiet
        self._simulation.alive[process.pid] = process
        self._simulation.timeline.mark(process.name, "starts", f"pid {process.pid}")
        return process

    def _strikes(self, kind: str) -> bool:
        if kind in {"crash", "kill"} and self._simulation.crashes >= self._simulation.plan.max_crashes:
            return False
        if not self._simulation.account.strike(kind):
            return False
        self._simulation.crashes += kind in {"crash", "kill"}
        return True

    def _connect(self, process: Process, hook: Any) -> tuple[Database, GroupedWrites | SingleWrites]:
        """The database and the writer of a process."""
        ahead_ms, server_time = 0, None
        if self._simulation.plan.database_has_clock:
            ahead_ms = random.Random(f"host {self._simulation.plan.seed} {process.name[:2]}").randint(
                -HOUR_MS, HOUR_MS
            )
            server_time = self._simulation.world.now_ms

        def before_read() -> None:
            if process.strikes("read_failed"):
                raise DatabaseError("the connection was reset", transient=True)
            self._reach_database(process)

        database = self._simulation.bench.database.seen_by(
            SimClock(self._simulation.world, process, ahead_ms),
            hook,
            server_time=server_time,
            before_read=before_read,
        )
        dice = random.Random(f"writer {self._simulation.plan.seed} {process.name}")
        return database, (GroupedWrites if self._simulation.plan.grouped_writes else SingleWrites)(
            database, process, dice
        )

    def serve(self) -> tuple[Process, Receiver]:
        """A process of `orchestrator serve`, which has opened the database."""
        name = f"s.{next(self._simulation.names)}"
        process = Process(name=name, pid=0, timeline=self._simulation.timeline, strike=self._strikes)
        process.freeze_for = lambda: self._simulation.dice.uniform(0, 60)
        process.mortal = not self._simulation.account.quiet
        database, writer = self._connect(process, self.hook(process))
        with suppress(DatabaseError), database.read():
            pass
        return process, Receiver(writer, database.clock, [SECRET])

    def worker(self, process: Process, context: contextvars.Context) -> SimWorker:
        hook = self.hook(process)
        database, writer = self._connect(process, hook)
        deps = Deps(
            database=database,
            writer=writer,
            provider=Endpoints(
                account=self._simulation.account,
                process=process,
                checker=self._simulation.checker,
            ),
            artifacts=GatedArtifacts(self._simulation.disk, process),
            mover=GatedMover(self._simulation.disk, process),
            clock=database.clock,
            entropy=SimEntropy(f"entropy {self._simulation.plan.seed} {process.name}"),
            settings=self._settings(number_of(process.name)),
            facts=facts,
            crashpoint=hook,
            notify=self._hear,
        )
        worker = context.run(SimWorker, deps, drain=True, is_alive=self._is_alive)
        worker.pid = process.pid
        self._simulation.checker.scene.workers[process.name] = worker.id
        self._simulation.checker.copies.born(process.name)
        return worker

    def _hear(self, message: str) -> None:
        """What a worker tells. Trouble with the bill does not end it, and is a bug all the same."""
        if message.startswith(TROUBLE):
            self._simulation.checker.broke("a worker", RuntimeError(message))

    def _is_alive(self, pid: int) -> bool:
        return pid in self._simulation.alive or not self._simulation.plan.hosts_see_death

    def _settings(self, number: int) -> Settings:
        plan = self._simulation.plan
        return Settings(
            self._simulation.bench.url,
            Outputs("/outputs"),
            limits=limits_for(plan, number),
            budgets=Budgets(on_failed=plan.on_failed, timezone=plan.timezone),  # type: ignore[arg-type]
            in_doubt=InDoubtSettings(plan.settle_seconds),
            guards=Guards(unknown_tasks=plan.unknown_tasks),  # type: ignore[arg-type]
            retry=Retry(),
            webhook=Webhook()
            if plan.webhook_wait_seconds is None
            else Webhook(URL, wait_seconds=plan.webhook_wait_seconds),
            worker=WorkerSettings(plan.lease_seconds),
        )
