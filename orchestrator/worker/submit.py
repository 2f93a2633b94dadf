"""The submit lane: prepare, commit the intent, POST once, record what came of it.

Nothing here sends twice. A reply that cannot be read leaves the attempt in doubt, with its money held.
"""

from collections.abc import Callable
from typing import Final, assert_never

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
from orchestrator.store import attempts, endings
from orchestrator.store.claims import Claimed
from orchestrator.worker.deps import Deps
from orchestrator.worker.flight import Activity, Flight
from orchestrator.worker.inputs import InputChanged, Inputs, Ready
from orchestrator.worker.prices import PriceGuard
from orchestrator.worker.records import keep_trying
from orchestrator.worker.troubles import Troubles

SENT_WITHIN_MS: Final = 5_000
"""How long after its intent a POST may leave: one that leaves later would also crowd another minute's rate window."""


class Submitter:
    """Takes a claimed attempt to the provider."""

    def __init__(
        self,
        deps: Deps,
        worker_id: str,
        inputs: Inputs,
        activity: Activity,
        troubles: Troubles,
        accepted: Callable[[Flight], None],
    ) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._inputs = inputs
        self._prices = PriceGuard(deps)
        self._activity = activity
        self._troubles = troubles
        self._accepted = accepted
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
                    claimed, AttemptEvent.RELEASED, 0.0, "price_drift", "the price has changed"
                )
                return
            still_valid = await self._may_send(claimed, prepared, stopping)
            if still_valid is None:
                return
        finally:
            self._activity.preparing.discard(claimed.attempt_id)
        await self._send(claimed, prepared, still_valid)

    async def _may_send(
        self, claimed: Claimed, ready: Ready, stopping: Callable[[], bool]
    ) -> Callable[[], bool] | None:
        """When `submitting` is durable, how long the POST may still leave; None when the attempt was given back."""
        digest = inputs_digest(ready.inputs, ready.inputs)
        row = attempts.BeginSubmit(claimed.attempt_id, claimed.epoch, digest)
        while not stopping():
            still_valid = self._validity()
            answer = await keep_trying(self._deps, attempts.begin_submit, row)
            match answer:
                case attempts.Send.GO:
                    return still_valid
                case attempts.Send.LATE:
                    return None
                case attempts.Send.WAIT:
                    await self._deps.clock.sleep(self._deps.entropy.uniform(0.5, 1.5))
                case attempts.Send.CANCELLED | attempts.Send.PAUSED:
                    break
        await self._give_back(claimed, AttemptEvent.RELEASED, 0.0, "released", "nothing was sent")
        return None

    async def _send(self, claimed: Claimed, ready: Ready, still_valid: Callable[[], bool]) -> None:
        self._activity.submitting.add(claimed.attempt_id)
        try:
            self._deps.crashpoint("submit.committed")
            webhook = callback_url(self._deps.settings.webhook.url, claimed.token)
            outcome = await self._deps.provider.submit(
                claimed.model, ready.inputs, webhook=webhook, still_valid=still_valid
            )
            self._deps.crashpoint("submit.answered")
            await self._record(claimed, ready, outcome)
        finally:
            self._activity.submitting.discard(claimed.attempt_id)

    def _validity(self) -> Callable[[], bool]:
        """Whether a POST whose intent is made durable now may still leave: for a few seconds, at most half a lease.

        A worker that was suspended longer (a frozen machine, a stopped process) may have lost the attempt: others
        doubt it, prove that nothing was created, and send again. What wakes up then must not send too.
        """
        clock, limit_ms = self._deps.clock, min(SENT_WITHIN_MS, self._lease_ms // 2)
        began, began_at = clock.monotonic(), clock.now_ms()

        def still_valid() -> bool:
            # Either clock may stand still while a machine sleeps, so both have to agree.
            monotonic_ms = (clock.monotonic() - began) * 1000
            return monotonic_ms <= limit_ms and 0 <= clock.now_ms() - began_at <= limit_ms

        return still_valid

    async def _record(self, claimed: Claimed, ready: Ready, outcome: SubmitOutcome) -> None:
        match outcome:
            case Accepted():
                await self._accept(claimed, ready, outcome)
            case Lost():
                await keep_trying(
                    self._deps,
                    attempts.doubt,
                    attempts.Doubt(claimed.attempt_id, claimed.epoch, outcome.message),
                )
                await self._troubles.lost(outcome.message)
            case Rejected():
                verdict = rejection(outcome.http_status, outcome.code, outcome.message)
                row = endings.Reject(
                    claimed.attempt_id, claimed.epoch, verdict.reason, verdict.message, outcome.code
                )
                await keep_trying(self._deps, endings.reject, row)
            case Throttled():
                wait = await self._troubles.throttled(outcome)
                await self._give_back(claimed, AttemptEvent.THROTTLED, wait, "throttled", outcome.message)
            case NotSent(expired=True):
                await self._give_back(claimed, AttemptEvent.NOT_SENT, 0.0, "held_back", outcome.message)
            case NotSent():
                wait = await self._troubles.unreachable(outcome)
                await self._give_back(claimed, AttemptEvent.NOT_SENT, wait, "unreachable", outcome.message)
            case KeyRefused():
                await self._troubles.key_refused(outcome)
                await self._give_back(claimed, AttemptEvent.REFUSED, 0.0, "key_refused", outcome.message)
            case NoCredit():
                await self._troubles.no_credit(outcome)
                await self._give_back(claimed, AttemptEvent.REFUSED, 0.0, "no_credit", outcome.message)
            case _:
                assert_never(outcome)

    async def _accept(self, claimed: Claimed, ready: Ready, outcome: Accepted) -> None:
        row = attempts.Accept(
            claimed.attempt_id,
            claimed.epoch,
            self._worker_id,
            outcome.prediction.id,
            outcome.prediction.status_text,
            self._lease_ms,
        )
        epoch = await keep_trying(self._deps, attempts.accept, row)
        self._deps.crashpoint("submit.recorded")
        self._troubles.accepted()
        if epoch is None:
            return
        self._accepted(
            Flight(
                claimed.attempt_id,
                claimed.job_id,
                epoch,
                claimed.model,
                outcome.prediction.id,
                self._deps.clock.now_ms(),
                claimed.number,
                claimed.images,
                claimed.price_micros,
                claimed.params,
                claimed.local_images,
                ready.uploaded,
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
                await self._give_back(claimed, AttemptEvent.RELEASED, None, "input_changed", trouble.message)
            case Rejected():
                await self._give_back(
                    claimed, AttemptEvent.RELEASED, None, "upload_rejected", trouble.message
                )
            case Throttled():
                wait = await self._troubles.throttled(trouble)
                await self._give_back(claimed, AttemptEvent.RELEASED, wait, "throttled", trouble.message)
            case KeyRefused():
                await self._troubles.key_refused(trouble)
                await self._give_back(claimed, AttemptEvent.RELEASED, 0.0, "key_refused", trouble.message)
            case NoCredit():
                await self._troubles.no_credit(trouble)
                await self._give_back(claimed, AttemptEvent.RELEASED, 0.0, "no_credit", trouble.message)
            case NotSent():
                wait = await self._troubles.unreachable(trouble)
                await self._give_back(claimed, AttemptEvent.RELEASED, wait, "unreachable", trouble.message)
            case Lost():
                retry = self._deps.settings.retry
                wait = backoff_seconds(
                    claimed.number,
                    base_seconds=retry.backoff_base_seconds,
                    cap_seconds=retry.backoff_cap_seconds,
                    uniform=self._deps.entropy.uniform,
                )
                await self._give_back(claimed, AttemptEvent.RELEASED, wait, "upload_failed", trouble.message)
            case _:
                assert_never(trouble)

    async def _give_back(
        self, claimed: Claimed, event: AttemptEvent, wait_seconds: float | None, reason: str, message: str
    ) -> None:
        delay_ms = None if wait_seconds is None else int(wait_seconds * 1000)
        row = endings.GiveBack(claimed.attempt_id, claimed.epoch, event, delay_ms, reason, message)
        await keep_trying(self._deps, endings.give_back, row)
