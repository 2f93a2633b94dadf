"""The heartbeat: it renews leases and expires unowned ones, and after a silence it gives the other workers
time to renew theirs.
"""

from collections.abc import Callable
from typing import Final

from orchestrator.store.attempts import leases
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.stop import Stop
from orchestrator.worker.upkeep import upkeep

UNOWNED_SECONDS: Final = 1.0

TAKEN_FOR_DEAD: Final = (
    "This worker was silent for longer than its lease and was taken for dead. Others may have taken over "
    "what it had; nothing of that is changed or paid for twice by this worker, and it goes on."
)


class Heartbeat:
    """Beats three times in a lease."""

    def __init__(
        self,
        deps: Deps,
        *,
        worker_id: str,
        stop: Stop,
        activity: Activity,
        latencies: Latencies,
        expired: Callable[[], None],
        drain: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._activity = activity
        self._latencies = latencies
        self._stop = stop
        self._expired = expired
        self._drain = drain
        self._lease_seconds = deps.settings.worker.lease_seconds
        self._silence = SilenceDetector(self._lease_seconds)
        self._unowned: frozenset[int] = frozenset()
        self._away_since: float | None = None  # monotonic: the first beat that could not be written

    def when_unsure(self) -> None:
        """A beat could not be written: the database is away."""
        if self._away_since is None:
            self._away_since = self._deps.clock.monotonic()

    def may_rescue(self) -> bool:
        """Whether a lapsed lease is likely to mean a dead worker; see `SilenceDetector`."""
        return self._silence.may_rescue(self._deps.clock.monotonic())

    async def tick(self) -> float:
        """Renew every lease and record a sign of life; returns seconds until the next beat."""
        beat = leases.ExtendLeases(self._worker_id, int(self._lease_seconds * 1000))
        held = await self._deps.writer.submit(leases.extend_leases, beat)
        self._silence.beat(self._deps.clock.monotonic())
        await self._expire_unowned(held)
        seen = upkeep.SignOfLife(
            worker=self._worker_id,
            latencies=self._latencies.take_fresh(),
            leaving=self._stop.stopping,
            away_ms=self._away_ms(),
        )
        own = await self._deps.writer.submit(upkeep.record_signs_of_life, seen)
        self._away_since = None
        if own.was_lost:
            self._deps.notify(TAKEN_FOR_DEAD)
        if own.draining and not seen.leaving:
            self._drain()
        interval = self._lease_seconds / 3
        return min(UNOWNED_SECONDS, interval) if self._unowned else interval

    def _away_ms(self) -> int | None:
        """How long the database was away until this beat; None when it was not."""
        if self._away_since is None:
            return None
        return int((self._deps.clock.monotonic() - self._away_since) * 1000)

    async def _expire_unowned(self, held: frozenset[int]) -> None:
        """Expire the leases of attempts that the database says are ours and that no part of this worker looks
        after, once that was so twice in a row.

        A commit whose answer was lost leaves such attempts; the next rescue takes them over. The first time
        they may be on their way to us, so the second check comes soon.
        """
        unowned = held - self._activity.attempts
        lasting = unowned & self._unowned
        self._unowned = unowned - lasting
        if lasting:
            await self._deps.writer.submit(
                leases.expire_leases_of_attempts, leases.ExpireLeases(self._worker_id, lasting)
            )
            self._expired()


class SilenceDetector:
    """Notices by the times of the heartbeats that this worker was silent."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._beat_at: float | None = None
        self._no_rescue_until = float("-inf")

    def beat(self, now: float) -> None:
        """A heartbeat was written at `now` (monotonic seconds). After a long silence of ours nobody is
        rescued for a while.

        Either the database was away, or this process was suspended. If it was the database, the leases of
        every worker have lapsed though all of them are alive; each renews its own as soon as it can.
        """
        if self._beat_at is not None and now - self._beat_at > self._lease_seconds:
            self._no_rescue_until = now + self._lease_seconds / 2
        self._beat_at = now

    def may_rescue(self, now: float) -> bool:
        """Whether a lapsed lease is likely to mean a dead worker."""
        silent = self._beat_at is not None and now - self._beat_at > self._lease_seconds / 2
        return not silent and now >= self._no_rescue_until
