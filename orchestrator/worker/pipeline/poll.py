"""Polling accepted tasks until they end. A poll that fails never ends a task."""

import heapq
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, Final, assert_never

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.polling import TypicalLatency, estimated_latency, first_look_seconds, next_look_seconds
from orchestrator.core.taxonomy import Disposition, Reason, disposition
from orchestrator.ports import (
    KeyRefused,
    Lost,
    Missing,
    NotSent,
    Prediction,
    Rejected,
    ResultOutcome,
    Status,
    Throttled,
)
from orchestrator.settings.model import polls_a_second
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.outcomes import retry_seconds
from orchestrator.worker.pipeline.prepare import Inputs

MISSING_MAX_MS: Final = 3600 * 1000
"""A prediction that the provider has denied knowing for this long is given up; its money counts as spent."""

POLLS_AT_ONCE: Final = 100
PAUSE_SECONDS: Final = 0.01
"""Polls that fall due within this are started together: waking up for each of hundreds a second costs more
than it gains."""

WHOLE_POLL: Final = 1 - 1e-9
"""Enough of an allowance for a poll: fractions of it do not add up to one exactly."""

FAILED_POLL_SECONDS: Final = 2.0

NO_OUTPUTS: Final = Disposition(
    retry=False,
    reason="no_outputs",
    message="the task completed without a picture and was charged; another try is bought only on request",
)


@dataclass(slots=True)
class _Polled:
    """An accepted attempt, and what polling it has shown so far, which nobody else needs to know."""

    attempt: HeldAttempt
    polls: int = 0
    running_ms: int = 0  # from acceptance to the last poll that saw it still running
    missing_since: int | None = None  # ms; the provider has said 404 ever since


class Poller:
    """A queue of polls, ordered by time, and a budget of polls per second."""

    def __init__(
        self,
        deps: Deps,
        *,
        inputs: Inputs,
        activity: Activity,
        account_pauses: AccountPauses,
        latencies: Latencies,
        completed: Callable[[HeldAttempt, list[outputs.ExpectedOutput]], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        wake: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._inputs = inputs
        self._activity = activity
        self._pauses = account_pauses
        self._latencies = latencies
        self._completed = completed
        self._spawn = spawn
        self._wake = wake
        self._due: list[tuple[float, int, _Polled]] = []
        self._order = count()
        self._polling = 0
        self._allowance = 1.0
        self._allowance_at = deps.clock.monotonic()
        self._minimum = deps.settings.worker.poll_min_seconds
        self._maximum = deps.settings.worker.poll_max_seconds

    def add(self, attempt: HeldAttempt) -> None:
        """Poll an accepted attempt until it ends."""
        self._activity.in_flight.add(attempt.attempt_id)
        first = first_look_seconds(
            self._typical(attempt.model),
            minimum=self._minimum,
            maximum=self._maximum,
            uniform=self._deps.entropy.uniform,
        )
        waited = (self._deps.clock.now_ms() - attempt.accepted_at) / 1000
        self._schedule(_Polled(attempt), max(0.0, first - waited))

    async def tick(self) -> float:
        """Start every poll that is due and within the rate; returns the seconds until the next may begin."""
        now = self._deps.clock.monotonic()
        rate = polls_a_second(self._deps.settings.limits, self._activity.concurrency)
        self._allowance = min(max(1.0, rate), self._allowance + (now - self._allowance_at) * rate)
        self._allowance_at = now
        while self._due and self._due[0][0] <= now and self._polling < POLLS_AT_ONCE:
            if self._allowance < WHOLE_POLL:
                return max(PAUSE_SECONDS, (1.0 - self._allowance) / rate)
            self._allowance -= 1.0
            _, _, polled = heapq.heappop(self._due)
            self._polling += 1
            self._spawn(self._poll(polled))
        if self._polling >= POLLS_AT_ONCE or not self._due:
            return self._maximum
        return max(PAUSE_SECONDS, self._due[0][0] - now)

    async def _poll(self, polled: _Polled) -> None:
        outcome = await self._result(polled)
        polled.polls += 1
        polled.missing_since = polled.missing_since if isinstance(outcome, Missing) else None
        match outcome:
            case Prediction(status=Status.RUNNING):
                self._poll_again(polled)
            case Prediction(status=Status.COMPLETED) if outcome.outputs:
                await self._complete(polled, outcome)
            case Prediction(status=Status.COMPLETED):
                await self._fail(polled.attempt, outcome, NO_OUTPUTS, charged=True)
            case Prediction():
                verdict = disposition(
                    outcome.status.value,
                    outcome.code,
                    outcome.error,
                    input_was_our_upload=polled.attempt.sends_only_uploads,
                )
                await self._fail(polled.attempt, outcome, verdict, charged=False)
            case Missing():
                await self._missing(polled, outcome)
            case Throttled():
                self._schedule(polled, outcome.retry_after_seconds or self._after_failure(polled))
            case KeyRefused():
                again = partial(self._schedule, polled, self._maximum)
                await self._pauses.key.leave_to_others(polled.attempt.attempt_id, outcome, otherwise=again)
            case NotSent() | Lost() | Rejected():
                self._schedule(polled, self._after_failure(polled))
            case _:
                assert_never(outcome)

    async def _result(self, polled: _Polled) -> ResultOutcome:
        try:
            return await self._deps.provider.result(polled.attempt.prediction_id)
        finally:
            if self._polling == POLLS_AT_ONCE:
                self._wake()
            self._polling -= 1

    def _schedule(self, polled: _Polled, seconds: float) -> None:
        poll = (self._deps.clock.monotonic() + seconds, next(self._order), polled)
        heapq.heappush(self._due, poll)
        if self._due[0] is poll:
            self._wake()  # the loop is asleep until a later poll

    def _poll_again(self, polled: _Polled) -> None:
        polled.running_ms = self._deps.clock.now_ms() - polled.attempt.accepted_at
        self._schedule(
            polled,
            next_look_seconds(
                polled.running_ms / 1000,
                self._typical(polled.attempt.model),
                minimum=self._minimum,
                maximum=self._maximum,
                uniform=self._deps.entropy.uniform,
            ),
        )

    def _typical(self, model: str) -> TypicalLatency:
        return self._latencies.typical(model, self._deps.facts(model).typical_latency_seconds)

    def _after_failure(self, polled: _Polled) -> float:
        base = max(self._minimum, min(FAILED_POLL_SECONDS, self._maximum))
        return self._minimum + backoff_seconds(
            min(polled.polls, 4),
            base_seconds=base,
            cap_seconds=self._maximum,
            uniform=self._deps.entropy.uniform,
        )

    async def _complete(self, polled: _Polled, prediction: Prediction) -> None:
        attempt = polled.attempt
        self._deps.crashpoint("poll.completed")
        observed = self._deps.clock.now_ms() - attempt.accepted_at
        self._latencies.add(
            attempt.model, estimated_latency(observed, polled.running_ms, prediction.inference_ms)
        )
        flags = prediction.nsfw + (None,) * (len(prediction.outputs) - len(prediction.nsfw))
        row = lifecycle.Complete(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            status=prediction.status_text,
            outputs=tuple(zip(prediction.outputs, flags, strict=False)),
            inference_ms=prediction.inference_ms,
        )
        expected = await write_durably(self._deps, lifecycle.complete, row)
        self._deps.crashpoint("poll.recorded")
        self._activity.in_flight.discard(attempt.attempt_id)
        if expected is not None:
            self._completed(replace(attempt, inference_ms=prediction.inference_ms), expected)

    async def _fail(
        self, attempt: HeldAttempt, prediction: Prediction, verdict: Disposition, *, charged: bool
    ) -> None:
        budgets = self._deps.settings.budgets
        if verdict.reason == Reason.INPUT_UNREACHABLE and attempt.sends_only_uploads:
            await self._inputs.forget(attempt.local_images)
        delay = int(1000 * retry_seconds(self._deps, attempt.number)) if verdict.retry else None
        refund_ms = budgets.refund_window_seconds * 1000 if budgets.on_failed == "hold" else 0
        row = endings.Fail(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            reason=verdict.reason,
            message=verdict.message,
            status=prediction.status_text,
            code=prediction.code,
            retry_delay_ms=delay,
            refund_window_ms=int(refund_ms),
            charged=charged,
        )
        await write_durably(self._deps, endings.fail, row)
        self._deps.crashpoint("poll.failed")
        self._activity.in_flight.discard(attempt.attempt_id)

    async def _missing(self, polled: _Polled, outcome: Missing) -> None:
        now = self._deps.clock.now_ms()
        polled.missing_since = polled.missing_since or now
        if now - polled.missing_since < MISSING_MAX_MS:
            self._schedule(polled, self._after_failure(polled))
            return
        prediction_id = polled.attempt.prediction_id
        gone = Prediction(prediction_id, Status.DELETED, "missing", error=outcome.message)
        message = f"the provider has not known prediction {prediction_id} for an hour: {outcome.message}"
        verdict = Disposition(retry=False, reason="prediction_missing", message=message)
        await self._fail(polled.attempt, gone, verdict, charged=True)
