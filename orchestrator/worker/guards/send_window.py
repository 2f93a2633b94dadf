"""Until when a POST may leave: not too long after the intent to send it was made durable."""

from orchestrator.ports import Clock
from orchestrator.store.account.rate_limits import SENT_WITHIN_MS


class SendWindow:
    """The time in which one POST may leave; it begins just before its intent is made durable.

    A worker that was suspended for longer (a frozen machine, a stopped process) may have lost the attempt:
    others put it in doubt, prove that nothing was created, and send it again. The suspended worker must not
    send it too when it wakes up.
    """

    def __init__(self, clock: Clock, *, lease_ms: int) -> None:
        self._clock = clock
        self._limit_ms = min(SENT_WITHIN_MS, lease_ms // 2)
        self._began, self._began_at = clock.monotonic(), clock.now_ms()

    def may_leave(self) -> bool:
        """Whether the POST may leave now; asked at the last moment before its first byte."""
        # Either clock may stand still while a machine sleeps, so both have to agree.
        elapsed_ms = (self._clock.monotonic() - self._began) * 1000
        return elapsed_ms <= self._limit_ms and 0 <= self._clock.now_ms() - self._began_at <= self._limit_ms
