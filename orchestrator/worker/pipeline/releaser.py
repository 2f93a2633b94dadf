"""Giving back an attempt that created nothing: what pauses, and when its job may be tried again."""

from typing import Final

from orchestrator.core.states import AttemptEvent
from orchestrator.ports import Lost
from orchestrator.store.attempts import endings
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.outcomes import (
    EARLIER_TASK,
    GivenBack,
    NothingCreated,
    NotPrepared,
    Wait,
    given_back,
    retry_seconds,
)

A_MINUTE_SECONDS: Final = 60.0


class Releaser:
    """Gives attempts back for the stage that submits."""

    def __init__(self, deps: Deps, account_pauses: AccountPauses) -> None:
        self._deps = deps
        self._pauses = account_pauses

    async def not_created(self, attempt: HeldAttempt, outcome: NothingCreated) -> None:
        """The POST created nothing, so the attempt is given back from `submitting`."""
        row = given_back(outcome)
        wait = await self._wait_ms(attempt, row, outcome)
        await self.give_back(attempt, row, message=outcome.message, delay_ms=wait, event=row.event)

    async def not_prepared(self, attempt: HeldAttempt, outcome: NotPrepared) -> None:
        """Nothing was sent, so the attempt is given back from `leased`."""
        await self._from_leased(attempt, given_back(outcome), outcome)

    async def unreadable(self, attempt: HeldAttempt, outcome: Lost) -> None:
        """Nothing was sent, because the provider does not say how an earlier task of the job stands."""
        await self._from_leased(attempt, EARLIER_TASK, outcome)

    async def _from_leased(self, attempt: HeldAttempt, row: GivenBack, outcome: NotPrepared) -> None:
        wait = await self._wait_ms(attempt, row, outcome)
        await self.give_back(attempt, row, message=outcome.message, delay_ms=wait)

    async def give_back(
        self,
        attempt: HeldAttempt,
        row: GivenBack,
        *,
        message: str,
        delay_ms: int | None = 0,
        event: AttemptEvent = AttemptEvent.RELEASED,
    ) -> None:
        """Write it down; `delay_ms` is how long the job waits, None: until a person says so."""
        request = endings.GiveBack(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            event=event,
            delay_ms=delay_ms,
            reason=row.reason,
            message=message,
        )
        await write_durably(self._deps, endings.give_back, request)

    async def _wait_ms(self, attempt: HeldAttempt, row: GivenBack, outcome: NotPrepared) -> int | None:
        """Pause what the outcome pauses; the time until the job may be tried again, None: when a person says
        so.
        """
        if row.wait is Wait.FOR_A_PERSON:
            return None
        seconds = await row.pause(self._pauses, outcome) if row.pause is not None else 0.0
        if row.wait is Wait.A_MINUTE:
            seconds = A_MINUTE_SECONDS
        if row.wait is Wait.BACKOFF:
            seconds = retry_seconds(self._deps, attempt.number)
        return int(seconds * 1000)
