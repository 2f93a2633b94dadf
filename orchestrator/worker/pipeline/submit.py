"""The submit lane: prepare, commit the intent, POST once, record what came of it.

Nothing here sends twice. A reply that cannot be read leaves the attempt in doubt, with its money held.
"""

from collections.abc import Callable
from typing import assert_never

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.evidence import inputs_digest
from orchestrator.core.states import AttemptEvent
from orchestrator.core.taxonomy import rejection
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
from orchestrator.store.claiming.claim import Claimed
from orchestrator.worker.attempt import Activity, InFlight
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.price_guard import PriceGuard
from orchestrator.worker.guards.send_window import SendWindow
from orchestrator.worker.pipeline.prepare import InputChanged, Inputs, Ready


class Submitter:
    """Takes a claimed attempt to the provider."""

    def __init__(
        self,
        deps: Deps,
        worker_id: str,
        inputs: Inputs,
        activity: Activity,
        account_pauses: AccountPauses,
        accepted: Callable[[InFlight], None],
        doubted: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._inputs = inputs
        self._prices = PriceGuard(deps)
        self._activity = activity
        self._pauses = account_pauses
        self._accepted = accepted
        self._doubted = doubted
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)

    async def run(self, claimed: Claimed, *, stopping: Callable[[], bool]) -> None:
        """One attempt, from its lease to whatever the provider says; every way out is recorded."""
        self._activity.preparing.add(claimed.attempt_id)
        try:
            prepared = await self._inputs.prepare(claimed)
            if not isinstance(prepared, Ready):
                await self._not_prepared(claimed, prepared)
                return
            if not await self._prices.agrees(claimed, prepared.inputs):
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=0.0,
                    reason="price_drift",
                    message="the price has changed",
                )
                return
            send_window = await self._may_send(claimed, prepared, stopping)
            if send_window is None:
                return
        finally:
            self._activity.preparing.discard(claimed.attempt_id)
        await self._send(claimed, prepared, send_window)

    async def _may_send(
        self, claimed: Claimed, ready: Ready, stopping: Callable[[], bool]
    ) -> SendWindow | None:
        """When `submitting` is durable, until when the POST may leave; None when the attempt was given
        back.
        """
        digest = inputs_digest(ready.inputs, ready.inputs)
        row = lifecycle.BeginSubmit(claimed.attempt_id, claimed.epoch, digest)
        while not stopping():
            send_window = SendWindow(self._deps.clock, lease_ms=self._lease_ms)
            answer = await write_durably(self._deps, lifecycle.begin_submit, row)
            match answer:
                case lifecycle.Send.GO:
                    return send_window
                case lifecycle.Send.LATE:
                    return None
                case lifecycle.Send.WAIT:
                    await self._deps.clock.sleep(self._deps.entropy.uniform(0.5, 1.5))
                case lifecycle.Send.CANCELLED | lifecycle.Send.PAUSED:
                    break
        await self._give_back(
            claimed=claimed,
            event=AttemptEvent.RELEASED,
            wait_seconds=0.0,
            reason="released",
            message="nothing was sent",
        )
        return None

    async def _send(self, claimed: Claimed, ready: Ready, send_window: SendWindow) -> None:
        self._activity.submitting.add(claimed.attempt_id)
        try:
            self._deps.crashpoint("submit.committed")
            webhook = callback_url(self._deps.settings.webhook.url, claimed.token)
            outcome = await self._deps.provider.submit(
                claimed.model, ready.inputs, webhook=webhook, still_valid=send_window.may_leave
            )
            self._deps.crashpoint("submit.answered")
            await self._record(claimed, ready, outcome)
        finally:
            self._activity.submitting.discard(claimed.attempt_id)

    async def _record(self, claimed: Claimed, ready: Ready, outcome: SubmitOutcome) -> None:
        match outcome:
            case Accepted():
                await self._accept(claimed, ready, outcome)
            case Lost():
                await write_durably(
                    self._deps,
                    lifecycle.mark_in_doubt,
                    lifecycle.MarkInDoubt(claimed.attempt_id, claimed.epoch, outcome.message),
                )
                self._doubted()
                await self._pauses.lost(outcome.message)
            case Rejected():
                verdict = rejection(outcome.http_status, outcome.code, outcome.message)
                row = endings.Reject(
                    attempt_id=claimed.attempt_id,
                    epoch=claimed.epoch,
                    reason=verdict.reason,
                    message=verdict.message,
                    code=outcome.code,
                )
                await write_durably(self._deps, endings.reject, row)
            case Throttled():
                wait = await self._pauses.throttled(outcome)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.THROTTLED,
                    wait_seconds=wait,
                    reason="throttled",
                    message=outcome.message,
                )
            case NotSent(expired=True):
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.NOT_SENT,
                    wait_seconds=0.0,
                    reason="held_back",
                    message=outcome.message,
                )
            case NotSent():
                wait = await self._pauses.unreachable(outcome)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.NOT_SENT,
                    wait_seconds=wait,
                    reason="unreachable",
                    message=outcome.message,
                )
            case KeyRefused():
                await self._pauses.key_refused(outcome)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.REFUSED,
                    wait_seconds=0.0,
                    reason="key_refused",
                    message=outcome.message,
                )
            case NoCredit():
                await self._pauses.no_credit(outcome)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.REFUSED,
                    wait_seconds=0.0,
                    reason="no_credit",
                    message=outcome.message,
                )
            case _:
                assert_never(outcome)

    async def _accept(self, claimed: Claimed, ready: Ready, outcome: Accepted) -> None:
        row = lifecycle.Accept(
            attempt_id=claimed.attempt_id,
            epoch=claimed.epoch,
            worker=self._worker_id,
            prediction_id=outcome.prediction.id,
            status=outcome.prediction.status_text,
            lease_ms=self._lease_ms,
        )
        epoch = await write_durably(self._deps, lifecycle.accept, row)
        self._deps.crashpoint("submit.recorded")
        self._pauses.accepted()
        if epoch is None:
            return
        self._accepted(
            InFlight(
                attempt_id=claimed.attempt_id,
                job_id=claimed.job_id,
                epoch=epoch,
                model=claimed.model,
                prediction_id=outcome.prediction.id,
                accepted_at=self._deps.clock.now_ms(),
                number=claimed.number,
                images=claimed.images,
                price_micros=claimed.price_micros,
                params=claimed.params,
                local_images=claimed.local_images,
                uploaded=ready.uploaded,
            )
        )

    async def _not_prepared(
        self,
        claimed: Claimed,
        trouble: InputChanged | Rejected | Throttled | KeyRefused | NoCredit | NotSent | Lost,
    ) -> None:
        """Nothing was sent: the attempt goes back, unless its input can never be sent."""
        match trouble:
            case InputChanged():
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=None,
                    reason="input_changed",
                    message=trouble.message,
                )
            case Rejected():
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=None,
                    reason="upload_rejected",
                    message=trouble.message,
                )
            case Throttled():
                wait = await self._pauses.throttled(trouble)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=wait,
                    reason="throttled",
                    message=trouble.message,
                )
            case KeyRefused():
                await self._pauses.key_refused(trouble)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=0.0,
                    reason="key_refused",
                    message=trouble.message,
                )
            case NoCredit():
                await self._pauses.no_credit(trouble)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=0.0,
                    reason="no_credit",
                    message=trouble.message,
                )
            case NotSent():
                wait = await self._pauses.unreachable(trouble)
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=wait,
                    reason="unreachable",
                    message=trouble.message,
                )
            case Lost():
                retry = self._deps.settings.retry
                wait = backoff_seconds(
                    claimed.number,
                    base_seconds=retry.backoff_base_seconds,
                    cap_seconds=retry.backoff_cap_seconds,
                    uniform=self._deps.entropy.uniform,
                )
                await self._give_back(
                    claimed=claimed,
                    event=AttemptEvent.RELEASED,
                    wait_seconds=wait,
                    reason="upload_failed",
                    message=trouble.message,
                )
            case _:
                assert_never(trouble)

    async def _give_back(
        self, claimed: Claimed, event: AttemptEvent, wait_seconds: float | None, reason: str, message: str
    ) -> None:
        delay_ms = None if wait_seconds is None else int(wait_seconds * 1000)
        row = endings.GiveBack(
            attempt_id=claimed.attempt_id,
            epoch=claimed.epoch,
            event=event,
            delay_ms=delay_ms,
            reason=reason,
            message=message,
        )
        await write_durably(self._deps, endings.give_back, row)
