"""The key of this worker: when the provider refuses it, this worker stops by itself, and no other one.

It submits nothing more, hands what it polls to a worker whose key works, and tries its key again from time to
time. A key that is bad, an account that is blocked, and a model that the key may not use look the same in one
answer: the last is told from the others by a balance that the same key may read.
"""

from typing import Final

from orchestrator.core.errors import OperatorNeededError
from orchestrator.ports import Balance, BalanceOutcome, KeyRefused
from orchestrator.store.account import worker_stops
from orchestrator.store.account.worker_stops import KEY_REFUSED, WorkerFreed, WorkerStop
from orchestrator.store.attempts import leases
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import read_durably, write_durably

CHECK_FIRST_SECONDS: Final = 10.0
CHECK_MAX_SECONDS: Final = 60.0

DENIED_FIRST_SECONDS: Final = 60.0
DENIED_MAX_SECONDS: Final = 600.0
"""How long a key that works otherwise is not used for requests after one was denied; longer each time."""

PATIENCE_SECONDS: Final = 60.0
"""So long a draining worker waits for its key, while nothing but polls is left to do."""


class KeyGuard:
    """Whether this worker may use its key."""

    def __init__(self, deps: Deps, worker_id: str, activity: Activity) -> None:
        self._deps = deps
        self._activity = activity
        self._worker_id = worker_id
        self._refused_at: float | None = None  # monotonic, as the next
        self._check_at = 0.0
        self._checks = 0
        self._said = ""  # by the provider
        self._everywhere = False  # it was refused for more than a request
        self._denials = 0  # of requests in a row, though the key works otherwise

    @property
    def refused(self) -> bool:
        """Whether the provider refuses the key, as far as this worker knows."""
        return self._refused_at is not None

    @property
    def impatient(self) -> bool:
        """Whether it has been refused for so long that nobody should wait for it."""
        return self._refused_at is not None and self._now() - self._refused_at >= PATIENCE_SECONDS

    def error(self) -> OperatorNeededError:
        """What a command says that cannot go on without a key."""
        return OperatorNeededError(
            f"The provider refused the key ({self._said}). Set a working one in "
            f"{self._deps.settings.provider.api_key_env}, then run the command again."
        )

    def accepted(self) -> None:
        """A request was accepted: the key may do all that is needed."""
        self._denials = 0

    async def refuse(self, outcome: KeyRefused, *, request: bool = False) -> None:
        """The provider refused the key, for a request or for anything else: this worker stops buying."""
        self._everywhere = self._everywhere or not request
        if self.refused:
            return
        self._refused_at = self._now()
        self._check_at = self._refused_at + CHECK_FIRST_SECONDS
        self._checks, self._said = 0, outcome.message
        await self._tell(
            f"The provider refused the key: {outcome.message}. Set a working one in "
            f"{self._deps.settings.provider.api_key_env} where worker {self._worker_id} runs, and start it "
            "again."
        )

    async def works(self) -> None:
        """The provider takes the key: this worker may buy again."""
        self._refused_at, self._everywhere = None, False
        row = WorkerFreed(self._worker_id, KEY_REFUSED)
        await write_durably(self._deps, worker_stops.free_workers, row)

    async def try_again(self) -> bool:
        """Ask for the balance, when it is time for it; True when the key works again and may be used."""
        if self._refused_at is None or self._now() < self._check_at:
            return False
        self._checks += 1
        wait = CHECK_FIRST_SECONDS * 2.0 ** min(self._checks, 10)
        self._check_at = self._now() + min(CHECK_MAX_SECONDS, wait)
        return await self._may_be_used(await self._deps.provider.balance())

    async def leaves_to_others(self, attempt: HeldAttempt, outcome: KeyRefused) -> bool:
        """A poll was refused: the accepted attempt is left to the workers whose keys work. False when there
        are none: then it is polled on here, because it is paid for.
        """
        await self.refuse(outcome)
        if not await read_durably(
            self._deps, lambda tx: worker_stops.another_can_collect(tx, self._worker_id)
        ):
            return False
        row = leases.ExpireLeases(self._worker_id, frozenset({attempt.attempt_id}))
        await write_durably(self._deps, leases.hand_back, row)
        self._activity.no_longer_in_flight(attempt)
        return True

    async def _may_be_used(self, outcome: BalanceOutcome) -> bool:
        if not isinstance(outcome, Balance):
            self._everywhere = self._everywhere or isinstance(outcome, KeyRefused)
            return False
        if self._everywhere:
            return True
        if self._checks == 1:
            self._denials += 1
            await self._tell(
                f"The key works, but a request with it was refused: {self._said}. May it use this model, or "
                "is the account blocked? It is tried again from time to time."
            )
        longest = min(DENIED_MAX_SECONDS, DENIED_FIRST_SECONDS * 2.0 ** min(self._denials - 1, 10))
        assert self._refused_at is not None, "only a key that is refused is tried"
        return self._now() - self._refused_at >= longest

    async def _tell(self, message: str) -> None:
        self._deps.notify(message)
        row = WorkerStop(self._worker_id, KEY_REFUSED, message)
        await write_durably(self._deps, worker_stops.stop_workers, row)

    def _now(self) -> float:
        return self._deps.clock.monotonic()
