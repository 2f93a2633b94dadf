"""Rescue: leases that have lapsed are served, and what was accepted under them is taken over."""

from collections.abc import Callable
from typing import Final

from orchestrator.store.attempts import leases
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.stop import Stop
from orchestrator.worker.upkeep.heartbeat import Heartbeat

IDLE_SECONDS: Final = 1.0


class Rescuer:
    """Looks for lapsed leases four times in a lease."""

    def __init__(
        self,
        deps: Deps,
        *,
        worker_id: str,
        stop: Stop,
        heartbeat: Heartbeat,
        resume: Callable[[HeldAttempt], None],
        doubted: Callable[[], None],
        account_pauses: AccountPauses,
    ) -> None:
        self._deps = deps
        self._stop = stop
        self._heartbeat = heartbeat
        self._resume = resume
        self._doubted = doubted
        self._pauses = account_pauses
        self.looked = False  # once at least, for what earlier workers have left
        lease_ms = int(deps.settings.worker.lease_seconds * 1000)
        self._request = leases.Rescue(worker_id, lease_ms, deps.settings.guards.deaths)

    async def tick(self) -> float:
        """Rescue a bounded number; returns the seconds until the next try. Without a key or room for
        files nothing could go on.
        """
        self.looked = self.looked or not self._pauses.collects
        if self._stop.stopping or not self._pauses.collects or not self._heartbeat.may_rescue():
            return IDLE_SECONDS
        rescued = await self._deps.writer.submit(leases.rescue, self._request)
        self._deps.crashpoint("rescue.committed")
        for attempt in rescued.taken_over:
            self._resume(attempt)
        if rescued.doubted:
            self._doubted()
        self.looked = True
        is_full = len(rescued.taken_over) == leases.RESCUE_MAX
        return 0.0 if is_full else self._deps.settings.worker.lease_seconds / 4
