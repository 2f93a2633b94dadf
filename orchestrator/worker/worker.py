"""The worker: loops over one database and one provider, until it is stopped or nothing is left to do.

It puts its parts together and notices the end; everything else is in the parts. Long because the parts are
put together in one place.
"""

import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from orchestrator.core.errors import OperatorNeededError
from orchestrator.store.stops.outlook import outlook
from orchestrator.worker.activity import Activity
from orchestrator.worker.alarms import Alarms
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.care import CareTaker
from orchestrator.worker.doubts.resolver import Resolver
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.clock_guard import ClockGuard
from orchestrator.worker.guards.price_proof import PriceProof
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.loops import Loop, Tick, start_loops
from orchestrator.worker.pipeline.claim import Claimer
from orchestrator.worker.pipeline.copies import Copies
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.naming import Naming
from orchestrator.worker.pipeline.pipeline import Pipeline
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.tasks import TaskGroup
from orchestrator.worker.upkeep import balance_reader, startup, upkeep
from orchestrator.worker.upkeep.billing import BillReader
from orchestrator.worker.upkeep.drain_watchdog import DrainWatchdog
from orchestrator.worker.upkeep.gates import GateKeeper
from orchestrator.worker.upkeep.heartbeat import Heartbeat
from orchestrator.worker.upkeep.judging import PictureJudge
from orchestrator.worker.upkeep.nights import TickKeeper
from orchestrator.worker.upkeep.notifying import Teller
from orchestrator.worker.upkeep.price_watch import PriceWatch
from orchestrator.worker.upkeep.rescue import Rescuer
from orchestrator.worker.upkeep.stage_keeper import StageKeeper

DRAIN_SECONDS: Final = 0.5
LEAVE_GRACE_SECONDS: Final = 10.0
"""A second interrupt still waits this long for replies to requests already sent: they may have cost money."""


class Worker:
    """Runs the loops. `run_ids` narrows what is claimed, `only_round` more; `drain` ends when it is over."""

    def __init__(
        self,
        deps: Deps,
        *,
        run_ids: frozenset[int] | None = None,
        only_round: int | None = None,
        drain: bool = True,
        is_alive: Callable[[int], bool] | None = None,
    ) -> None:
        self.id = f"{socket.gethostname()}-{os.getpid()}-{deps.entropy.token()[:8]}"
        self.activity = Activity()
        self.told_to_drain = False  # by an operator, who wants it to end in order
        self._deps = deps
        self._run_ids = run_ids
        self._only_round = only_round
        self._drain = drain
        self._is_alive = is_alive or startup.is_alive
        self._latencies = Latencies()
        self._pauses = AccountPauses(deps, self.id, self.activity)
        self._restored_copy = RestoredCopyCheck(deps, self.id)
        self._copies = Copies(deps, run_ids=run_ids)
        self._judge = PictureJudge(deps, worker_id=self.id, run_ids=run_ids)
        self._naming = Naming(deps)
        self._teller = Teller(deps, self.id)
        self._ticks = TickKeeper(deps, worker_id=self.id, everything=run_ids is None)
        self._stages = StageKeeper(deps)
        self._settling = (self._copies, self._naming, self._judge, self._ticks, self._stages)
        self._clock_guard = ClockGuard(deps)
        self._watchdog = DrainWatchdog()
        self._handing_over_since: float | None = None

    def snapshot(self) -> dict[str, int | str]:
        """How many attempts are where, and what ails them, for a live display."""
        return self.activity.snapshot()

    async def run(self, stop: Stop) -> None:
        """Work until done or stopped, then give every lease back. Raises the error that stopped it, if one
        did.
        """
        alarms = Alarms()
        self._deps.provider_clock.look(self._deps.moment())
        tasks = TaskGroup(stop, ended=alarms.end.ring)
        try:
            startup.start(
                self._deps,
                startup.worker_row(self._deps, self.id),
                is_alive=self._is_alive,
                latencies=self._latencies,
            )
            await self._deps.artifacts.start()
            await startup.preflight(
                self._deps,
                self._pauses,
                restored_copy=self._restored_copy,
                clock_guard=self._clock_guard,
                drain=self._drain,
            )
            loops = start_loops(self._loops(stop, tasks, alarms), self._deps, tasks.fail)
            try:
                await stop.wait_for(StopLevel.LEAVING)
                await self._await_replies()
            finally:
                await tasks.cancel(loops)
        finally:
            try:
                startup.leave(self._deps, self.id, self._latencies)
                await self._teller.last_words()
            finally:
                await self._deps.notifier.aclose()
                await self._deps.provider.aclose()
                await self._deps.artifacts.aclose()
        if tasks.error is not None:
            raise tasks.error

    def _loops(self, stop: Stop, tasks: TaskGroup, alarms: Alarms) -> tuple[Loop, ...]:
        deps, drain = self._deps, partial(self._drain_by_operator, stop)
        proof, care = PriceProof(deps), CareTaker(deps)
        pipeline = Pipeline(
            deps,
            worker_id=self.id,
            proof=proof,
            activity=self.activity,
            account_pauses=self._pauses,
            latencies=self._latencies,
            alarms=alarms,
            copies=self._copies,
            care=care,
            spawn=tasks.spawn,
        )
        claimer = self._claimer(pipeline, stop, drain)
        heartbeat = self._heartbeat(stop, alarms, drain)
        resolver = Resolver(
            deps, self.id, care=care, resume=pipeline.go_on_with_found, freed=alarms.claim.ring
        )
        rescuer = Rescuer(
            deps,
            worker_id=self.id,
            stop=stop,
            heartbeat=heartbeat,
            resume=pipeline.resume,
            doubted=alarms.resolve.ring,
            account_pauses=self._pauses,
        )
        watch = partial(self._watch, stop, tasks=tasks, pipeline=pipeline, resolver=resolver, rescuer=rescuer)
        return (
            Loop(claimer.tick, alarms.claim, when_unsure=claimer.when_unsure),
            Loop(pipeline.poller.tick, alarms.poll),
            Loop(heartbeat.tick, alarms.heartbeat, when_unsure=heartbeat.when_unsure),
            Loop(rescuer.tick, alarms.rescue, when_unsure=alarms.heartbeat.ring),
            Loop(resolver.tick, alarms.resolve, when_unsure=alarms.heartbeat.ring),
            Loop(BillReader(deps).tick),
            Loop(PriceWatch(deps, proof).tick, alarms.prices),
            Loop(
                partial(self._ticks.tick, stop, made=alarms.moves.ring), self._ticks.alarm, bookkeeping=True
            ),
            Loop(self._naming.tick, alarms.moves, bookkeeping=True),
            *(Loop(tick, bookkeeping=True) for tick in self._bookkeepers(pipeline)),
            Loop(watch, alarms.end),
        )

    def _bookkeepers(self, pipeline: Pipeline) -> tuple[Tick, ...]:
        """What is kept up beside the work."""
        return (
            partial(
                upkeep.tick,
                self._deps,
                self._pauses,
                restored_copy=self._restored_copy,
                stages=self._stages,
            ),
            pipeline.troubles.tick,
            balance_reader.BalanceReader(self._deps).tick,
            pipeline.prices.tick,
            self._copies.tick,
            self._judge.tick,
            self._teller.tick,
            GateKeeper(self._deps).tick,
        )

    def _claimer(self, pipeline: Pipeline, stop: Stop, drain: Callable[[], None]) -> Claimer:
        return pipeline.claimer(
            run_ids=self._run_ids,
            only_round=self._only_round,
            stop=stop,
            restored_copy=self._restored_copy,
            drain=drain,
        )

    def _heartbeat(self, stop: Stop, alarms: Alarms, drain: Callable[[], None]) -> Heartbeat:
        return Heartbeat(
            self._deps,
            worker_id=self.id,
            stop=stop,
            activity=self.activity,
            latencies=self._latencies,
            expired=alarms.rescue.ring,
            drain=drain,
        )

    async def _watch(
        self, stop: Stop, *, tasks: TaskGroup, pipeline: Pipeline, resolver: Resolver, rescuer: Rescuer
    ) -> float:
        """Notice the end: stopped and nothing under way, or drained, or nothing that can still move."""
        busy = self.activity.busy or tasks.busy
        if self._drain and rescuer.looked and not (stop.stopping or busy) and self._finished():
            stop.raise_to(StopLevel.FINISHING)
        if not stop.stopping and (wrong := self._clock_guard.wrong(midway=True)):
            tasks.fail(OperatorNeededError(wrong))
        if stop.stopping and (not busy or self._is_handed_over(stop)):
            stop.raise_to(StopLevel.LEAVING)
        self._end_unable_to_buy(stop, tasks, busy=busy)
        stuck = self._watchdog.why_stuck(
            activity=self.activity,
            downloads=pipeline.fetcher.health,
            unreadable=self._restored_copy.unreadable or resolver.unreadable or pipeline.prices.unreadable,
            monotonic=self._deps.clock.monotonic(),
        )
        if (self._drain or stop.stopping) and stuck is not None:
            tasks.fail(stuck)
            stop.raise_to(StopLevel.LEAVING)
        return DRAIN_SECONDS

    def _end_unable_to_buy(self, stop: Stop, tasks: TaskGroup, *, busy: bool) -> None:
        """Somebody waits for the result of a draining worker, which cannot go on without a key or credit."""
        unable = self._pauses.unable(busy=busy)
        if self._drain and not stop.stopping and unable is not None:
            tasks.fail(unable)
            stop.raise_to(StopLevel.LEAVING)

    def _is_handed_over(self, stop: Stop) -> bool:
        """Whether a supervisor waits and need not wait longer: others collect what is in flight."""
        if stop.level is not StopLevel.HANDING_OVER:
            return False
        now = self._deps.clock.monotonic()
        self._handing_over_since = now if self._handing_over_since is None else self._handing_over_since
        grace = self._deps.settings.worker.stop_grace_seconds
        return not self.activity.handling or now - self._handing_over_since >= grace

    def _finished(self) -> bool:
        with self._deps.database.read() as tx:
            timezone = self._deps.settings.budgets.timezone
            seen = outlook(tx, timezone, self._run_ids, only_round=self._only_round)
            return seen.finished and all(part.settled(tx) for part in self._settling)

    def _drain_by_operator(self, stop: Stop) -> None:
        self.told_to_drain = True
        self._deps.notify("Asked to finish by `orchestrator workers drain`: what is in flight is collected.")
        stop.raise_to(StopLevel.FINISHING)

    async def _await_replies(self) -> None:
        waited = 0.0
        while self.activity.submitting and waited < LEAVE_GRACE_SECONDS:
            await self._deps.clock.sleep(0.1)
            waited += 0.1
