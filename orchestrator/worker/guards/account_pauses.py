"""Pauses of the whole account: throttling, an unreachable provider.

A refused key, no credit and a full disk are none: each stops its own worker, see `KeyGuard`, `CreditGuard`
and `StorageGuard`. These stop new submissions for a while or until somebody acts; none of them uses up a
job's tries.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import KeyRefused, NoCredit, NotSent, Throttled
from orchestrator.store.account import pauses
from orchestrator.store.db.database import Tx
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.credit_guard import CreditGuard
from orchestrator.worker.guards.key_guard import KeyGuard
from orchestrator.worker.guards.storage_guard import StorageGuard

THROTTLE_FIRST_SECONDS: Final = 1.0
THROTTLE_MAX_SECONDS: Final = 65.0  # a little more than the provider's window of a minute
UNREACHABLE_FIRST_SECONDS: Final = 1.0
UNREACHABLE_MAX_SECONDS: Final = 30.0
OUTCOMES_WATCHED: Final = 20
LOST_MAX: Final = 10
"""Each lost reply holds money in doubt: when so many of the last outcomes were lost, the provider counts
as down."""

LOST_IN_A_ROW_MAX: Final = 5
LOST_SPAN_SECONDS: Final = 1.0
"""So many in a row count too, if they span some time: of requests sent together, the broken ones come back
first."""

_TICK_SECONDS: Final = 0.001  # a pause ends on a whole millisecond

DOWN_FIRST_SECONDS: Final = 5.0
DOWN_MAX_SECONDS: Final = 300.0


class AccountPauses:
    """Counts failures in a row and pauses the account accordingly."""

    def __init__(self, deps: Deps, worker_id: str = "", activity: Activity | None = None) -> None:
        self._deps = deps
        self._activity = activity or Activity()
        self.key: Final = KeyGuard(deps, worker_id, self._activity)
        self.credit: Final = CreditGuard(deps, worker_id)
        self.storage: Final = StorageGuard(deps, worker_id)
        self._throttles = 0
        self._unreachable = 0
        self._lost = 0  # in a row
        self._lost_since = 0.0
        self._outcomes: deque[bool] = deque(maxlen=OUTCOMES_WATCHED)  # True where the reply was lost
        self._openings = 0
        self._open_until = float("-inf")  # monotonic, as the next two
        self._unreachable_until = float("-inf")
        self._last_throttle_at = float("-inf")

    @property
    def probing(self) -> bool:
        """Whether the provider was down: then one submission at a time tries whether it is back."""
        return self._openings > 0 or self._unreachable > 0

    @property
    def collects(self) -> bool:
        """Whether this worker can bring pictures home: its key works, and its output folder takes files."""
        return not self.key.refused and not self.storage.full

    @property
    def buys(self) -> bool:
        """Whether this worker may send requests, as far as its own key, account and folder go."""
        return self.collects and not self.credit.gone

    def unable(self, *, busy: bool) -> OperatorNeededError | None:
        """Why somebody who waits for this worker should wait no longer: it has no key and nothing but polls
        is left, or no credit and nothing is.
        """
        activity = self._activity
        only_polls = not (activity.preparing or activity.submitting or activity.fetching)
        if self.key.refused and only_polls and (not busy or self.key.impatient):
            return self.key.error()
        return self.credit.error() if self.credit.gone and not busy else None

    def accepted(self) -> None:
        """A task was created: the provider is reachable and takes requests."""
        self._throttles = 0
        self._unreachable = 0
        self._lost = 0
        self._openings = 0
        self._outcomes.append(False)
        self.key.accepted()

    def found(self) -> None:
        """What a lost reply had created was found: the provider takes requests, and that doubt is over."""
        self._lost = max(0, self._lost - 1)
        if True in self._outcomes:
            self._outcomes[self._outcomes.index(True)] = False

    async def lost(self, message: str) -> None:
        """Count a lost reply. After several in a row the provider counts as down, and a circuit breaker
        opens.

        It stays open longer with each try that fails. A reply that is lost while it is open belongs to a
        request that had left before, and says nothing new.
        """
        now = self._deps.clock.monotonic()
        self._unreachable = 0
        if now < self._open_until:
            return
        self._lost_since = self._lost_since if self._lost else now
        self._lost += 1
        self._outcomes.append(True)
        in_a_row = self._lost >= LOST_IN_A_ROW_MAX and now - self._lost_since >= LOST_SPAN_SECONDS
        if not (in_a_row or sum(self._outcomes) >= LOST_MAX or self._openings):
            return
        longest = min(DOWN_MAX_SECONDS, DOWN_FIRST_SECONDS * 2.0 ** min(self._openings, 10))
        self._openings += 1
        self._outcomes.clear()
        wait = self._deps.entropy.uniform(longest / 2, longest)
        self._open_until = now + wait - _TICK_SECONDS
        await self._pause("provider_down", f"Too many replies were lost: {message}", wait)

    async def throttled(self, outcome: Throttled) -> float:
        """429: pause submissions for as long as it says, or longer each time; returns how long the job
        waits.
        """
        now = self._deps.clock.monotonic()
        if now - self._last_throttle_at > THROTTLE_FIRST_SECONDS:  # one step per episode, not per reply
            self._throttles += 1
            self._last_throttle_at = now
        wait = outcome.retry_after_seconds
        if wait is None:
            wait = min(THROTTLE_MAX_SECONDS, THROTTLE_FIRST_SECONDS * 2.0 ** min(self._throttles - 1, 10))
        await self._pause("throttled", "The provider asks for fewer requests.", wait)
        return wait + self._deps.entropy.uniform(0.0, 1.0)

    async def unreachable(self, outcome: NotSent) -> float:
        """No connection: pause submissions, longer with each episode; returns how many seconds the job
        waits.
        """
        now = self._deps.clock.monotonic()
        if now < self._unreachable_until:
            return self._unreachable_until - now
        self._unreachable += 1
        longest = min(
            UNREACHABLE_MAX_SECONDS, UNREACHABLE_FIRST_SECONDS * 2.0 ** min(self._unreachable - 1, 10)
        )
        wait = self._deps.entropy.uniform(longest / 2, longest)
        self._unreachable_until = now + wait - _TICK_SECONDS
        await self._pause("unreachable", f"The provider cannot be reached: {outcome.message}", wait)
        return wait

    async def key_refused(self, outcome: KeyRefused) -> float:
        """401 or 403 to a request: this worker sends nothing more until its key works. No job waits: another
        worker may have a key that does.
        """
        await self.key.refuse(outcome, request=True)
        return 0.0

    async def no_credit(self, outcome: NoCredit) -> float:
        """The account cannot pay: this worker sends nothing more until it can. No job waits: another worker
        may have an account that does.
        """
        await self.credit.refuse(f"The account has no credit: {outcome.message}")
        return 0.0

    async def ended(self, *reasons: str) -> None:
        """End these pauses of the account: what they were for is over."""
        for reason in reasons:
            await write_durably(self._deps, end_pause, reason)

    async def _pause(self, reason: str, message: str, seconds: float | None) -> None:
        until = None if seconds is None else self._deps.clock.now_ms() + int(seconds * 1000)
        await write_durably(
            self._deps,
            begin_pause,
            pauses.Pause(scope="account", name="", reason=reason, message=message, until=until),
        )


def begin_pause(tx: Tx, rows: Sequence[pauses.Pause]) -> list[bool]:
    """Record pauses; see `pauses.begin`."""
    return [pauses.begin(tx, row) for row in rows]


def end_pause(tx: Tx, rows: Sequence[str]) -> list[bool]:
    """End pauses of the account by their reasons."""
    return [pauses.end(tx=tx, scope="account", name="", reason=reason) for reason in rows]
