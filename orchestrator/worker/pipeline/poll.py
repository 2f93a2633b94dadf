"""The poll lane: look at accepted tasks until they end. A failed look never ends a task."""

import heapq
from collections.abc import Callable, Coroutine
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
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.worker.attempt import Activity, InFlight
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.prepare import Inputs

MISSING_MAX_MS: Final = 3600 * 1000
"""A prediction that the provider has denied knowing for this long is given up; its money counts as spent."""

LOOKS_AT_ONCE: Final = 100
PAUSE_SECONDS: Final = 0.01
"""Looks that fall due within this are started together: waking up for each of hundreds a second costs more
than it gains."""

WHOLE_LOOK: Final = 1 - 1e-9
"""Enough of an allowance to look: fractions of it do not add up to one exactly."""

TROUBLED_LOOK_SECONDS: Final = 2.0


class Poller:
    """A queue of looks, ordered by time, and a budget of looks per second."""

    def __init__(
        self,
        deps: Deps,
        inputs: Inputs,
        activity: Activity,
        account_pauses: AccountPauses,
        latencies: Latencies,
        completed: Callable[[InFlight, list[outputs.ExpectedOutput]], None],
        wake: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._inputs = inputs
        self._activity = activity
        self._pauses = account_pauses
        self._latencies = latencies
        self._completed = completed
        self._wake = wake
        self._due: list[tuple[float, int, InFlight]] = []
        self._order = count()
        self._looking = 0
        self._allowance = 1.0
        self._allowance_at = deps.clock.monotonic()
        self._minimum = deps.settings.worker.poll_min_seconds
        self._maximum = deps.settings.worker.poll_max_seconds

    def add(self, flight: InFlight) -> None:
        """Look after an accepted attempt."""
        self._activity.in_flight[flight.attempt_id] = flight
        first = first_look_seconds(
            self._usual(flight),
            minimum=self._minimum,
            maximum=self._maximum,
            uniform=self._deps.entropy.uniform,
        )
        waited = (self._deps.clock.now_ms() - flight.accepted_at) / 1000
        self._schedule(flight, max(0.0, first - waited))

    def start_due(self, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> float:
        """Start every look that is due and within the rate; returns seconds until the next is worth
        starting.
        """
        now = self._deps.clock.monotonic()
        rate = self._deps.settings.limits.polls_per_second
        self._allowance = min(max(1.0, rate), self._allowance + (now - self._allowance_at) * rate)
        self._allowance_at = now
        while self._due and self._due[0][0] <= now and self._looking < LOOKS_AT_ONCE:
            if self._allowance < WHOLE_LOOK:
                return max(PAUSE_SECONDS, (1.0 - self._allowance) / rate)
            self._allowance -= 1.0
            _, _, flight = heapq.heappop(self._due)
            self._looking += 1
            spawn(self._look(flight))
        if self._looking >= LOOKS_AT_ONCE or not self._due:
            return self._maximum
        return max(PAUSE_SECONDS, self._due[0][0] - now)

    async def _look(self, flight: InFlight) -> None:
        outcome = await self._result(flight)
        flight.looks += 1
        if not isinstance(outcome, Missing):
            flight.missing_since = None
        match outcome:
            case Prediction(status=Status.RUNNING):
                self._look_again(flight)
            case Prediction(status=Status.COMPLETED) if outcome.outputs:
                await self._complete(flight, outcome)
            case Prediction(status=Status.COMPLETED):
                verdict = Disposition(
                    retry=False,
                    reason="no_outputs",
                    message="the task completed without a picture and was charged; another try is bought only on request",
                )
                await self._fail(flight, outcome, verdict, charged=True)
            case Prediction():
                verdict = disposition(
                    outcome.status.value, outcome.code, outcome.error, input_was_our_upload=flight.uploaded
                )
                await self._fail(flight, outcome, verdict, charged=False)
            case Missing():
                await self._missing(flight, outcome)
            case Throttled():
                self._schedule(flight, outcome.retry_after_seconds or self._troubled(flight))
            case KeyRefused():
                await self._pauses.key_refused(outcome)
                self._schedule(flight, self._maximum)
            case NotSent() | Lost() | Rejected():
                self._schedule(flight, self._troubled(flight))
            case _:
                assert_never(outcome)

    async def _result(self, flight: InFlight) -> ResultOutcome:
        try:
            return await self._deps.provider.result(flight.prediction_id)
        finally:
            if self._looking == LOOKS_AT_ONCE:
                self._wake()
            self._looking -= 1

    def _schedule(self, flight: InFlight, seconds: float) -> None:
        look = (self._deps.clock.monotonic() + seconds, next(self._order), flight)
        heapq.heappush(self._due, look)
        if self._due[0] is look:
            self._wake()  # the loop is asleep until a later look

    def _look_again(self, flight: InFlight) -> None:
        flight.running_ms = self._deps.clock.now_ms() - flight.accepted_at
        self._schedule(
            flight,
            next_look_seconds(
                flight.running_ms / 1000,
                self._usual(flight),
                minimum=self._minimum,
                maximum=self._maximum,
                uniform=self._deps.entropy.uniform,
            ),
        )

    def _usual(self, flight: InFlight) -> TypicalLatency:
        guess = self._deps.facts(flight.model).typical_latency_seconds
        return self._latencies.typical(flight.model, guess)

    def _troubled(self, flight: InFlight) -> float:
        base = max(self._minimum, min(TROUBLED_LOOK_SECONDS, self._maximum))
        return self._minimum + backoff_seconds(
            min(flight.looks, 4),
            base_seconds=base,
            cap_seconds=self._maximum,
            uniform=self._deps.entropy.uniform,
        )

    async def _complete(self, flight: InFlight, prediction: Prediction) -> None:
        self._deps.crashpoint("poll.completed")
        observed = self._deps.clock.now_ms() - flight.accepted_at
        inference = prediction.inference_ms
        self._latencies.add(flight.model, estimated_latency(observed, flight.running_ms, inference))
        flight.inference_ms = inference
        flags = prediction.nsfw + (None,) * (len(prediction.outputs) - len(prediction.nsfw))
        row = lifecycle.Complete(
            attempt_id=flight.attempt_id,
            epoch=flight.epoch,
            status=prediction.status_text,
            outputs=tuple(zip(prediction.outputs, flags, strict=False)),
            inference_ms=prediction.inference_ms,
        )
        expected = await write_durably(self._deps, lifecycle.complete, row)
        self._deps.crashpoint("poll.recorded")
        self._land(flight)
        if expected is not None:
            self._completed(flight, expected)

    async def _fail(
        self, flight: InFlight, prediction: Prediction, verdict: Disposition, *, charged: bool
    ) -> None:
        settings = self._deps.settings
        if verdict.reason == Reason.INPUT_UNREACHABLE and flight.uploaded:
            await self._inputs.forget(flight.local_images)
        delay = None
        if verdict.retry:
            delay = int(
                1000
                * backoff_seconds(
                    flight.number,
                    base_seconds=settings.retry.backoff_base_seconds,
                    cap_seconds=settings.retry.backoff_cap_seconds,
                    uniform=self._deps.entropy.uniform,
                )
            )
        refund_ms = (
            settings.budgets.refund_window_seconds * 1000 if settings.budgets.on_failed == "hold" else 0
        )
        row = endings.Fail(
            attempt_id=flight.attempt_id,
            epoch=flight.epoch,
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
        self._land(flight)

    async def _missing(self, flight: InFlight, outcome: Missing) -> None:
        now = self._deps.clock.now_ms()
        flight.missing_since = flight.missing_since or now
        if now - flight.missing_since < MISSING_MAX_MS:
            self._schedule(flight, self._troubled(flight))
            return
        gone = Prediction(flight.prediction_id, Status.DELETED, "missing", error=outcome.message)
        verdict = Disposition(
            retry=False,
            reason="prediction_missing",
            message=f"the provider has not known prediction {flight.prediction_id} for an hour: {outcome.message}",
        )
        await self._fail(flight, gone, verdict, charged=True)

    def _land(self, flight: InFlight) -> None:
        self._activity.in_flight.pop(flight.attempt_id, None)
