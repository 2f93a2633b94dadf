"""Submitting: prepare, commit the intent, POST once, record what came of it.

Nothing here sends twice. A reply that cannot be read leaves the attempt in doubt, with its money held.
"""

from collections.abc import Callable
from typing import assert_never

from orchestrator.core.evidence import inputs_digest
from orchestrator.core.provider_clock import DatedBy, Instant
from orchestrator.core.webhooks import callback_url
from orchestrator.ports import (
    Accepted,
    KeyRefused,
    Lost,
    NoCredit,
    NotSent,
    Rejected,
    SubmitOutcome,
    Throttled,
)
from orchestrator.store.attempts import endings, lifecycle
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.price_guard import PriceGuard
from orchestrator.worker.guards.price_proof import PriceProof
from orchestrator.worker.guards.send_window import SendWindow
from orchestrator.worker.pipeline.outcomes import (
    PRICE_REFUSALS,
    PRICE_UNANSWERED,
    REPRICED,
    STOPPED,
    NothingCreated,
)
from orchestrator.worker.pipeline.prepare import Inputs, Ready
from orchestrator.worker.pipeline.recollect import Recollector
from orchestrator.worker.pipeline.releaser import Releaser


class Submitter:
    """Takes a claimed attempt to the provider."""

    def __init__(
        self,
        deps: Deps,
        *,
        worker_id: str,
        inputs: Inputs,
        activity: Activity,
        account_pauses: AccountPauses,
        prices: PriceGuard,
        proof: PriceProof,
        accepted: Callable[[HeldAttempt], None],
        doubted: Callable[[], None],
        answered: Callable[[], None],
    ) -> None:
        """`doubted` is called after each lost reply, `answered` when no request is on its way any more."""
        self._deps = deps
        self._worker_id = worker_id
        self._inputs = inputs
        self._recollector = Recollector(deps)
        self._prices = prices
        self._proof = proof
        self._activity = activity
        self._pauses = account_pauses
        self._releaser = Releaser(deps, account_pauses)
        self._accepted = accepted
        self._doubted = doubted
        self._answered = answered
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)

    async def run(self, attempt: HeldAttempt, *, stopping: Callable[[], bool]) -> None:
        """Take one attempt from its lease to whatever the provider says; every way out is recorded."""
        self._activity.preparing.add(attempt.attempt_id)
        try:
            if await self._is_paid_for(attempt):
                return
            prepared = await self._inputs.prepare(attempt)
            if not isinstance(prepared, Ready):
                await self._releaser.not_prepared(attempt, prepared)
                return
            if not await self._holds_the_price(attempt, prepared):
                return
            if not await self._proof.may_send(attempt, stopping):
                await self._releaser.give_back(attempt, REPRICED, message="the bill shows another price")
                return
            send_window = await self._may_send(attempt, prepared, stopping)
            if send_window is None:
                self._proof.came_to_nothing(attempt)
                return
        finally:
            self._activity.preparing.discard(attempt.attempt_id)
        await self._send(attempt, prepared, send_window)

    async def _is_paid_for(self, attempt: HeldAttempt) -> bool:
        """Whether nothing is to be bought: a task that the job paid for earlier is collected instead, or how
        that stands must be known first.
        """
        found = await self._recollector.look(attempt)
        if found is None:
            return False
        if isinstance(found, HeldAttempt):
            self._accepted(found)
        elif isinstance(found, Lost):
            await self._releaser.unreadable(attempt, found)
        else:
            await self._releaser.not_prepared(attempt, found)
        return True

    async def _holds_the_price(self, attempt: HeldAttempt, ready: Ready) -> bool:
        """Whether the attempt holds what it would be charged; else it is given back."""
        refused = await self._prices.refuses(attempt, ready.inputs)
        if isinstance(refused, str):
            row = PRICE_REFUSALS[refused]
            message = "the price is not known" if row is PRICE_UNANSWERED else "the price has changed"
            await self._releaser.give_back(attempt, row, message=message)
        elif refused is not None:
            await self._releaser.not_prepared(attempt, refused)
        return refused is None

    async def _may_send(
        self, attempt: HeldAttempt, ready: Ready, stopping: Callable[[], bool]
    ) -> SendWindow | None:
        """Until when the POST may leave, once `submitting` is durable; None when the attempt was given back
        or is another worker's by now.
        """
        digest = inputs_digest(ready.inputs, ready.inputs)
        row = lifecycle.BeginSubmit(attempt.attempt_id, attempt.epoch, digest)
        while not stopping():
            if not await self._holds_the_price(attempt, ready):  # waiting may have taken long
                return None
            self._deps.database.require_in_place()
            send_window = SendWindow(self._deps.clock, lease_ms=self._lease_ms)
            answer = await write_durably(self._deps, lifecycle.begin_submit, row)
            match answer:
                case lifecycle.Send.GO:
                    return send_window
                case lifecycle.Send.LATE:
                    return None
                case lifecycle.Send.WAIT:
                    await self._deps.clock.sleep(self._deps.entropy.uniform(0.5, 1.5))
                case lifecycle.Send.REPRICED:
                    await self._releaser.give_back(attempt, REPRICED, message="the price has changed")
                    return None
                case lifecycle.Send.CANCELLED | lifecycle.Send.PAUSED:
                    break
        await self._releaser.give_back(attempt, STOPPED, message="nothing was sent")
        return None

    async def _send(self, attempt: HeldAttempt, ready: Ready, send_window: SendWindow) -> None:
        self._activity.submitting.add(attempt.attempt_id)
        try:
            self._deps.crashpoint("submit.committed")
            webhook = callback_url(self._deps.settings.webhook.url, attempt.token)
            sent = self._deps.moment()
            outcome = await self._deps.provider.submit(
                attempt.model,
                ready.inputs,
                webhook=webhook,
                still_valid=lambda: send_window.may_leave() and self._deps.database.in_place,
            )
            self._deps.crashpoint("submit.answered")
            self._measure(outcome, sent)
            await self._record(attempt, outcome)
        finally:
            self._activity.submitting.discard(attempt.attempt_id)
        if not self._activity.submitting:
            self._answered()

    def _measure(self, outcome: SubmitOutcome, sent: Instant) -> None:
        """A task that was just accepted tells what time it is at the provider."""
        if isinstance(outcome, Accepted) and outcome.prediction.created_at_ms is not None:
            created_at, received = outcome.prediction.created_at_ms, self._deps.moment()
            self._deps.provider_clock.note(DatedBy.TASK, created_at, sent=sent, received=received)

    async def _record(self, attempt: HeldAttempt, outcome: SubmitOutcome) -> None:
        match outcome:
            case Accepted():
                await self._accept(attempt, outcome)
            case Lost():
                await self._doubt(attempt, outcome)
            case Rejected():
                self._proof.came_to_nothing(attempt)
                await self._reject(attempt, outcome)
            case Throttled() | KeyRefused() | NoCredit() | NotSent():
                await self._not_created(attempt, outcome)
            case _:
                assert_never(outcome)

    async def _accept(self, attempt: HeldAttempt, outcome: Accepted) -> None:
        row = lifecycle.Accept(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            worker=self._worker_id,
            prediction_id=outcome.prediction.id,
            status=outcome.prediction.status_text,
            lease_ms=self._lease_ms,
        )
        epoch = await write_durably(self._deps, lifecycle.accept, row)
        self._deps.crashpoint("submit.recorded")
        self._pauses.accepted()
        if epoch is None:
            await self._doubt_own_task(attempt, outcome.prediction.id)
        else:
            self._accepted(
                attempt.accepted(
                    epoch=epoch,
                    prediction_id=outcome.prediction.id,
                    accepted_at=self._deps.clock.now_ms(),
                )
            )

    async def _doubt_own_task(self, attempt: HeldAttempt, prediction_id: str) -> None:
        """The reply could not be attached. Where the attempt still waits for one, the reply named the task of
        another: something between us and the provider repeats old replies, and our own task is not known.
        """
        message = f"the reply named task {prediction_id}, which another attempt holds: a repeated reply?"
        row = lifecycle.MarkInDoubt(attempt.attempt_id, attempt.epoch, message)
        if await write_durably(self._deps, lifecycle.mark_in_doubt, row):
            self._doubted()

    async def _doubt(self, attempt: HeldAttempt, outcome: Lost) -> None:
        """The provider may have created a task: only evidence ends this, and the money stays held."""
        row = lifecycle.MarkInDoubt(
            attempt.attempt_id, attempt.epoch, outcome.message, answered=outcome.answered
        )
        await write_durably(self._deps, lifecycle.mark_in_doubt, row)
        self._doubted()
        await self._pauses.lost(outcome.message)

    async def _reject(self, attempt: HeldAttempt, outcome: Rejected) -> None:
        row = endings.Reject(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            reason=outcome.reason,
            message=outcome.message,
            code=outcome.code,
        )
        await write_durably(self._deps, endings.reject, row)

    async def _not_created(self, attempt: HeldAttempt, outcome: NothingCreated) -> None:
        self._proof.came_to_nothing(attempt)
        await self._releaser.not_created(attempt, outcome)
