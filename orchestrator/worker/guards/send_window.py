"""When a POST may leave: not too long after its intent."""

from orchestrator.ports import Clock
from orchestrator.store.account.rate_limits import SENT_WITHIN_MS


class SendWindow:
    """Of one POST, from the moment in which its intent is about to be made durable.

    A worker that was suspended for longer (a frozen machine, a stopped process) may have lost the attempt:
    others doubt it, prove that nothing was created, and send again. What wakes up then must not send too.
    """

    def __init__(self, clock: Clock, *, lease_ms: int) -> None:
        self._clock = clock
        self._limit_ms = min(SENT_WITHIN_MS, lease_ms // 2)
        self._began, self._began_at = clock.monotonic(), clock.now_ms()

    def may_leave(self) -> bool:
        """Asked at the last moment before the first byte; the POST leaves if the answer is yes."""
        # Either clock may stand still while a machine sleeps, so both have to agree.
        elapsed_ms = (self._clock.monotonic() - self._began) * 1000
        return elapsed_ms <= self._limit_ms and 0 <= self._clock.now_ms() - self._began_at <= self._limit_ms
