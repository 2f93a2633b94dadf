"""Looking at what was paid for already, before another task is bought for the same job."""

from orchestrator.ports import KeyRefused, Lost, NotSent, Prediction, Status, Throttled
from orchestrator.store.attempts import recollect
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import read_durably, write_durably

Unknown = Throttled | KeyRefused | NotSent | Lost
"""The provider did not say how the earlier task stands, so nothing may be bought yet."""

UNREADABLE_MAX = 5
"""After so many attempts that could not read the earlier task, it is not waited for any longer."""


class Recollector:
    """Takes a paid task back for the next attempt at its job, when its pictures can be had now."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def look(self, attempt: HeldAttempt) -> HeldAttempt | Unknown | None:
        """The attempt in flight with the earlier task; or why that is not known; None: buy a new one."""
        earlier = await self._paid_task(attempt)
        if earlier is None:
            return None
        found = await self._deps.provider.result(earlier.prediction_id)
        if isinstance(found, Lost) and attempt.number - earlier.number > UNREADABLE_MAX:
            return None
        if isinstance(found, Throttled | KeyRefused | NotSent | Lost):
            return found
        if isinstance(found, Prediction) and found.status is Status.COMPLETED and any(found.outputs):
            return await self._take_back(attempt, earlier, found)
        return None

    async def _paid_task(self, attempt: HeldAttempt) -> recollect.EarlierTask | None:
        if attempt.number == 1:
            return None
        return await read_durably(self._deps, lambda tx: recollect.paid_task(tx, attempt.job_id))

    async def _take_back(
        self, attempt: HeldAttempt, earlier: recollect.EarlierTask, found: Prediction
    ) -> HeldAttempt | None:
        row = recollect.TakeBack(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            earlier_id=earlier.attempt_id,
            prediction_id=earlier.prediction_id,
            status=found.status_text,
        )
        accepted_at = await write_durably(self._deps, recollect.take_back, row)
        if accepted_at is None:
            return None
        return attempt.accepted(
            epoch=attempt.epoch, prediction_id=earlier.prediction_id, accepted_at=accepted_at
        )
