"""The worker: loops over one database and one provider, until it is stopped or nothing is left to do."""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from orchestrator import __version__
from orchestrator.core.errors import DatabaseError, OrchestratorError
from orchestrator.core.states import AttemptState
from orchestrator.store.account import workers
from orchestrator.store.attempts import leases, outputs
from orchestrator.store.claiming import claim
from orchestrator.store.money.ledger import CapRacedError
from orchestrator.store.stops.outlook import outlook
from orchestrator.worker.attempt import Activity, InFlight
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.resolver import Resolver
from orchestrator.worker.durable import OutageBackoff
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.loops import Alarm, cancelled, nothing, outlasting, run_loop
from orchestrator.worker.pipeline.fetch import Fetcher
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.poll import Poller
from orchestrator.worker.pipeline.prepare import Inputs
from orchestrator.worker.pipeline.submit import Submitter
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.upkeep import startup, upkeep
from orchestrator.worker.upkeep.billing import BillReader
from orchestrator.worker.upkeep.drain_watchdog import DrainWatchdog
from orchestrator.worker.upkeep.heartbeat import Heartbeat

CLAIM_MAX: Final = 100
PREPARING_MAX: Final = 400
"""Leased attempts that wait for inputs, commits or their reply: a busy server takes its time; more would
only age leases."""

CLAIM_REST_SECONDS: Final = 0.05
POLL_REST_SECONDS: Final = 0.01
"""Slots that become free, and looks that become due, are served together: a claim costs the same for one
job as for twenty."""

IDLE_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 0.5
LEAVE_GRACE_SECONDS: Final = 10.0
"""A second interrupt still waits this long for replies to requests already sent: they may have cost money."""


class Worker:
    """Runs the loops. `run_ids` narrows what is claimed; `drain` ends when nothing more happens by itself."""

    def __init__(
        self,
        deps: Deps,
        *,
        run_ids: frozenset[int] | None = None,
        drain: bool = True,
        is_alive: Callable[[int], bool] | None = None,
    ) -> None:
        self.id = f"{socket.gethostname()}-{os.getpid()}-{deps.entropy.token()[:8]}"
        self.activity = Activity()
        self._deps = deps
        self._run_ids = run_ids
        self._drain = drain
        self._is_alive = is_alive or startup.is_alive
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)
        self._pauses = AccountPauses(deps)
        self._latencies = Latencies()
        inputs = Inputs(deps)
        self._fetcher = Fetcher(deps, self.activity, self._pauses)
        self._claim_alarm, self._poll_alarm = Alarm(CLAIM_REST_SECONDS), Alarm(POLL_REST_SECONDS)
        self._done_alarm = Alarm()
        self._resolve_alarm, self._rescue_alarm, self._beat_alarm = Alarm(), Alarm(), Alarm()
        self._claimed_unknown = False  # the answer to a claim was lost
        self._poller = Poller(
            deps=deps,
            inputs=inputs,
            activity=self.activity,
            account_pauses=self._pauses,
            latencies=self._latencies,
            completed=self._completed,
            wake=self._poll_alarm.ring,
        )
        self._submitter = Submitter(
            deps=deps,
            worker_id=self.id,
            inputs=inputs,
            activity=self.activity,
            account_pauses=self._pauses,
            accepted=self._poller.add,
            doubted=self._resolve_alarm.ring,
        )
        self._resolver, self._drain_watchdog = Resolver(deps, self.id), DrainWatchdog()
        expire = self._rescue_alarm.ring
        self._heartbeat = Heartbeat(
            deps=deps,
            worker_id=self.id,
            activity=self.activity,
            latencies=self._latencies,
            expire=expire,
            leaving=self._stopping,
            drain=self._told_to_drain,
        )
        self.told_to_drain = False  # by an operator, who wants it to end in order
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._stop = Stop()

    def snapshot(self) -> dict[str, int]:
        """How many attempts are where, for a live display."""
        return self.activity.snapshot()

    async def run(self, stop: Stop) -> None:
        """Work until done or stopped, then close the lanes. Raises the error that stopped it, if one did."""
        self._stop = stop
        try:
            startup.start(self._deps, self._worker_row(), self._is_alive, known=self._latencies)
            await self._deps.artifacts.start()
            await startup.preflight(self._deps, self._pauses, drain=self._drain)
            await self._run_loops(stop)
        finally:
            try:
                startup.leave(self._deps, self.id, self._latencies)
            finally:
                await self._deps.provider.aclose()
                await self._deps.artifacts.aclose()
        if self._error is not None:
            raise self._error

    async def _run_loops(self, stop: Stop) -> None:
        keep_up = partial(upkeep.tick, self._deps, self._pauses)
        loops = [
            asyncio.create_task(
                run_loop(
                    outlasting(tick=tick, patience=OutageBackoff(self._deps), fail=fail, unsure=unsure),
                    alarm,
                    self._deps.clock,
                )
            )
            for tick, alarm, fail, unsure in (
                (self._claim, self._claim_alarm, self._fail, self._claim_is_unsure),
                (self._poll, self._poll_alarm, self._fail, nothing),
                (self._heartbeat.tick, self._beat_alarm, self._fail, nothing),
                (self._rescue, self._rescue_alarm, self._fail, self._beat_alarm.ring),
                (self._resolve, self._resolve_alarm, self._fail, self._beat_alarm.ring),
                (keep_up, Alarm(), partial(self._fail, bookkeeping=True), nothing),
                (BillReader(self._deps).tick, Alarm(), self._fail, nothing),
                (self._watch, self._done_alarm, self._fail, nothing),
            )
        ]
        try:
            await stop.wait_for(StopLevel.LEAVING)
            await self._await_replies()
        finally:
            await cancelled([*loops, *self._tasks])

    def _worker_row(self) -> workers.WorkerRow:
        return workers.WorkerRow(
            id=self.id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            lease_ms=self._lease_ms,
        )

    # --- ticks ----------------------------------------------------------------------------------------------

    async def _claim(self) -> float:
        room = PREPARING_MAX - len(self.activity.preparing) - len(self.activity.submitting)
        want = min(CLAIM_MAX, room)
        if self._pauses.probing:
            want = 0 if self.activity.preparing or self.activity.submitting else min(want, 1)
        if self._stop.level > StopLevel.RUNNING or want <= 0 or self._pauses.blind:
            return IDLE_SECONDS
        if self._claimed_unknown:
            await self._recover_claimed()
        request = claim.ClaimRequest(
            worker=self.id,
            want=want,
            lease_ms=self._lease_ms,
            timezone=self._deps.settings.budgets.timezone,
            token=self._deps.entropy.token,
            run_ids=self._run_ids,
        )
        try:
            result = await self._deps.writer.submit(claim.claim, request)
        except CapRacedError:
            return CLAIM_REST_SECONDS
        self._deps.crashpoint("claim.committed")
        self._begin(result.claimed)
        if result.draining:
            self._told_to_drain()
        if len(result.claimed) == want:
            return 0.0 if want == CLAIM_MAX else CLAIM_REST_SECONDS
        if result.retry_at is None:
            return IDLE_SECONDS
        until = (result.retry_at - self._deps.clock.now_ms()) / 1000
        return min(IDLE_SECONDS, max(0.02, until))

    def _begin(self, claimed: Sequence[claim.Claimed]) -> None:
        for each in claimed:
            self.activity.preparing.add(each.attempt_id)
            self._spawn(self._submit(each))

    async def _submit(self, claimed: claim.Claimed) -> None:
        await self._submitter.run(claimed, stopping=self._stopping)
        self._claim_alarm.ring()  # there is room for another

    def _claim_is_unsure(self) -> None:
        self._claimed_unknown = True

    async def _recover_claimed(self) -> None:
        """Begin what a claim took whose answer was lost; only claims lease, and they are made one after
        another.
        """
        row = claim.Recover(self.id, self.activity.attempts)
        self._begin(await self._deps.writer.submit(claim.recover, row))
        self._claimed_unknown = False

    async def _poll(self) -> float:
        return self._poller.start_due(self._spawn)

    async def _rescue(self) -> float:
        if self._stop.level > StopLevel.RUNNING or not self._heartbeat.may_rescue():
            return IDLE_SECONDS
        request = leases.Rescue(self.id, self._lease_ms, self._deps.settings.guards.deaths)
        rescued = await self._deps.writer.submit(leases.rescue, request)
        self._deps.crashpoint("rescue.committed")
        for adopted in rescued.adopted:
            self._adopt(adopted)
        if rescued.doubted:
            self._resolve_alarm.ring()
        return (
            0.0 if len(rescued.adopted) == leases.RESCUE_MAX else self._deps.settings.worker.lease_seconds / 4
        )

    async def _resolve(self) -> float:
        delay, adopted = await self._resolver.tick()
        for attempt in adopted:
            self._adopt(attempt)
        return delay

    async def _watch(self) -> float:
        """Notice the end: stopped and nothing under way, or drained."""
        busy = self.activity.busy or bool(self._tasks)
        if self._stop.level is StopLevel.RUNNING and self._drain and not busy and self._finished():
            self._stop.raise_to(StopLevel.FINISHING)
        if self._stop.level >= StopLevel.FINISHING and not busy:
            self._stop.raise_to(StopLevel.LEAVING)
        unreadable = self._pauses.blind or self._resolver.unreadable
        stuck = self._drain_watchdog.why_stuck(self.activity, unreadable, self._deps.clock.monotonic())
        if self._drain and stuck is not None:
            self._fail(stuck)
            self._stop.raise_to(StopLevel.LEAVING)
        return DRAIN_SECONDS

    # --- what the lanes tell one another --------------------------------------------------------------------

    def _completed(self, flight: InFlight, expected: list[outputs.ExpectedOutput]) -> None:
        self.activity.fetching.add(flight.attempt_id)
        self._spawn(self._fetcher.run(flight, expected))
        self._claim_alarm.ring()  # a slot is free

    def _adopt(self, adopted: leases.Adopted) -> None:
        flight = InFlight(
            attempt_id=adopted.attempt_id,
            job_id=adopted.job_id,
            epoch=adopted.epoch,
            model=adopted.model,
            prediction_id=adopted.prediction_id,
            accepted_at=adopted.accepted_at,
            number=adopted.number,
            images=adopted.images,
            price_micros=adopted.price_micros,
            params=adopted.params,
            local_images=adopted.local_images,
            uploaded=bool(adopted.local_images),
        )
        if adopted.state is AttemptState.FETCHING:
            with self._deps.database.read() as tx:
                expected = outputs.expected(tx, adopted.attempt_id)
            self._completed(flight, expected)
        else:
            self._poller.add(flight)

    def _told_to_drain(self) -> None:
        self.told_to_drain = True
        self._deps.notify("Asked to finish by `orchestrator workers drain`: what is in flight is collected.")
        self._stop.raise_to(StopLevel.FINISHING)

    # --- ending ---------------------------------------------------------------------------------------------

    def _stopping(self) -> bool:
        return self._stop.level > StopLevel.RUNNING

    def _finished(self) -> bool:
        with self._deps.database.read() as tx:
            return outlook(tx, self._deps.settings.budgets.timezone, self._run_ids).finished

    async def _await_replies(self) -> None:
        waited = 0.0
        while self.activity.submitting and waited < LEAVE_GRACE_SECONDS:
            await self._deps.clock.sleep(0.1)
            waited += 0.1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
        if not self._tasks or self._stop.level > StopLevel.RUNNING:
            self._done_alarm.ring()

    def _fail(self, error: BaseException, *, bookkeeping: bool = False) -> None:
        """Stop buying, collect what can be collected, and raise the first error at the end.

        Where `bookkeeping` failed a guard may be blind, and collecting does not need it.
        """
        self._error = self._error or error
        expected = bookkeeping or isinstance(error, OrchestratorError)
        collectable = expected and not isinstance(error, DatabaseError)
        self._stop.raise_to(StopLevel.FINISHING if collectable else StopLevel.LEAVING)
