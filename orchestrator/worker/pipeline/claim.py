"""Claiming: as many attempts as this worker has room for, each begun as a task of its own."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.claiming import claim
from orchestrator.store.money.ledger import CapRacedError
from orchestrator.worker.activity import Activity
from orchestrator.worker.alarms import CLAIM_REST_SECONDS
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.care import CareTaker
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.clock_guard import ClockGuard
from orchestrator.worker.guards.own_mark import OwnMark
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.pipeline.submit import Submitter
from orchestrator.worker.stop import Stop

CLAIM_MAX: Final = 100
PREPARING_MAX: Final = 400
"""Leased attempts that wait for inputs, commits or their reply: a busy server takes its time; more would
only age leases."""

IDLE_SECONDS: Final = 1.0


class Claimer:
    """Claims attempts and hands each to the submitter."""

    def __init__(
        self,
        deps: Deps,
        *,
        worker_id: str,
        run_ids: frozenset[int] | None,
        only_round: int | None,
        stop: Stop,
        activity: Activity,
        account_pauses: AccountPauses,
        restored_copy: RestoredCopyCheck,
        care: CareTaker,
        submitter: Submitter,
        downloads_first: Callable[[], bool],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        wake: Callable[[], None],
        drain: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._run_ids = run_ids
        self._only_round = only_round
        self._stop = stop
        self._activity = activity
        self._pauses = account_pauses
        self._restored_copy = restored_copy
        self._care = care
        self._mark = OwnMark(deps)
        self._clock_guard = ClockGuard(deps)
        self._submitter = submitter
        self._downloads_first = downloads_first
        self._spawn = spawn
        self._wake = wake
        self._drain = drain
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)
        self._is_unsure = False

    def when_unsure(self) -> None:
        """The answer to a claim was lost: before the next one, find what it took all the same."""
        self._is_unsure = True

    async def tick(self) -> float:
        """Claim what there is room for; returns the seconds until it is worth asking again."""
        want = self._room()
        if want <= 0:
            return IDLE_SECONDS
        if self._is_unsure:
            await self._recover()
        self._deps.database.require_in_place()
        try:
            result = await self._deps.writer.submit(claim.claim, self._request(want))
        except CapRacedError:
            return CLAIM_REST_SECONDS
        self._deps.crashpoint("claim.committed")
        if result.claimed:
            self._mark.raise_to(max(attempt.attempt_id for attempt in result.claimed))
        self._activity.concurrency = result.concurrency or self._activity.concurrency
        self._begin(result.claimed)
        if result.draining:
            self._drain()
        if len(result.claimed) == want:
            return 0.0 if want == CLAIM_MAX else CLAIM_REST_SECONDS
        if result.retry_at is None:
            return IDLE_SECONDS
        until = (result.retry_at - self._deps.clock.now_ms()) / 1000
        return min(IDLE_SECONDS, max(0.02, until))

    def _room(self) -> int:
        """How many attempts to ask for now; one at a time while it is tried whether the provider is back."""
        if self._stop.stopping or self._restored_copy.unreadable or not self._pauses.buys:
            return 0
        if self._clock_guard.wrong() or self._downloads_first():
            return 0
        unanswered = len(self._activity.preparing) + len(self._activity.submitting)
        room = min(CLAIM_MAX, PREPARING_MAX - unanswered)
        if self._pauses.probing:
            return 0 if unanswered else min(room, 1)
        return room

    def _request(self, want: int) -> claim.ClaimRequest:
        return claim.ClaimRequest(
            worker=self._worker_id,
            want=want,
            lease_ms=self._lease_ms,
            timezone=self._deps.settings.budgets.timezone,
            token=self._deps.entropy.token,
            run_ids=self._run_ids,
            only_round=self._only_round,
            care=self._care.asked(),
        )

    async def _recover(self) -> None:
        """Begin what a claim took whose answer was lost; only claims lease, and they are made one after
        another.
        """
        row = claim.Recover(self._worker_id, self._activity.attempts)
        self._begin(await self._deps.writer.submit(claim.recover, row))
        self._is_unsure = False

    def _begin(self, attempts: Iterable[HeldAttempt]) -> None:
        for attempt in attempts:
            self._activity.preparing.add(attempt.attempt_id)
            self._spawn(self._submit(attempt))

    def _must_not_send(self) -> bool:
        return self._stop.stopping or not self._pauses.buys

    async def _submit(self, attempt: HeldAttempt) -> None:
        await self._submitter.run(attempt, stopping=self._must_not_send)
        self._wake()  # there is room for another
