"""The heartbeat: leases are renewed, strays let go, and after a silence the others get time to say that they live."""

from collections.abc import Callable
from typing import Final

from orchestrator.store import attempts
from orchestrator.worker import upkeep
from orchestrator.worker.deps import Deps
from orchestrator.worker.flight import Activity
from orchestrator.worker.latency import Latencies

STRAY_SECONDS: Final = 1.0

TAKEN_FOR_DEAD: Final = (
    "This worker was silent for longer than its lease and was taken for dead. Others may have taken over what it had; "
    "nothing of that is changed or paid for twice by this worker, and it goes on."
)


class Heart:
    """Beats three times in a lease."""

    def __init__(
        self,
        deps: Deps,
        worker_id: str,
        activity: Activity,
        latencies: Latencies,
        let_go: Callable[[], None],
        leaving: Callable[[], bool],
        drain: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._activity = activity
        self._latencies = latencies
        self._let_go = let_go
        self._leaving = leaving
        self._drain = drain
        self._lease_seconds = deps.settings.worker.lease_seconds
        self._pulse = Pulse(self._lease_seconds)
        self._strays: frozenset[int] = frozenset()

    def may_rescue(self) -> bool:
        """Whether a lapsed lease is likely to mean a dead worker; see `Pulse`."""
        return self._pulse.may_rescue(self._deps.clock.monotonic())

    async def tick(self) -> float:
        """Renew every lease and tell that we live; returns seconds until the next beat."""
        beat = attempts.Heartbeat(self._worker_id, int(self._lease_seconds * 1000))
        held = await self._deps.writer.submit(attempts.heartbeat, beat)
        self._pulse.beat(self._deps.clock.monotonic())
        await self._drop_strays(held)
        seen = upkeep.Seen(self._worker_id, self._latencies.take_fresh(), self._leaving())
        standing = await self._deps.writer.submit(upkeep.note_seen, seen)
        if standing.was_lost:
            self._deps.tell(TAKEN_FOR_DEAD)
        if standing.draining and not seen.leaving:
            self._drain()
        interval = self._lease_seconds / 3
        return min(STRAY_SECONDS, interval) if self._strays else interval

    async def _drop_strays(self, held: frozenset[int]) -> None:
        """Let go of attempts that the database says are ours and that nothing here looks after, seen twice in a row.

        A commit whose answer was lost leaves such; their leases end now, and the next rescue takes them up. Seen once
        they may be on their way to us, so the second look comes soon.
        """
        strays = held - self._activity.attempts
        lasting = strays & self._strays
        self._strays = strays - lasting
        if lasting:
            await self._deps.writer.submit(attempts.let_go, attempts.LetGo(self._worker_id, lasting))
            self._let_go()


class Pulse:
    """Times of the heartbeats that were written."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._beat_at: float | None = None
        self._calm_until = float("-inf")

    def beat(self, now: float) -> None:
        """A heartbeat was written at `now` (monotonic seconds). After a long silence of ours a time of calm begins.

        The database was away, or this process stood still. If it was the database, the leases of every worker have
        lapsed though all of them live; each renews its own as soon as it can.
        """
        if self._beat_at is not None and now - self._beat_at > self._lease_seconds:
            self._calm_until = now + self._lease_seconds / 2
        self._beat_at = now

    def may_rescue(self, now: float) -> bool:
        """Whether a lapsed lease is likely to mean a dead worker."""
        silent = self._beat_at is not None and now - self._beat_at > self._lease_seconds / 2
        return not silent and now >= self._calm_until
