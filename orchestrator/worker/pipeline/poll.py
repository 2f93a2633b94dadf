"""Polling accepted tasks until they end. A poll that fails never ends a task."""

import heapq
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from typing import Any, Final, assert_never

from orchestrator.core.backoff import backoff_seconds
from orchestrator.core.polling import TypicalLatency, first_look_seconds, next_look_seconds
from orchestrator.core.taxonomy import Disposition, PaidReason
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
from orchestrator.store.attempts import outputs
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.lateness import Answer, Lateness, Polled
from orchestrator.worker.pipeline.outcomes import NO_OUTPUTS, UNEXPLAINED
from orchestrator.worker.pipeline.prepare import Inputs
from orchestrator.worker.pipeline.task_endings import TaskEndings
from orchestrator.worker.pipeline.troubles import TroubleNotes

MISSING_MAX_MS: Final = 3600 * 1000
"""A prediction that the provider has denied knowing for this long is given up; its money counts as spent."""

POLLS_AT_ONCE: Final = 100
PAUSE_SECONDS: Final = 0.01
"""Polls that fall due within this are started together: waking up for each of hundreds a second costs more
than it gains."""

WHOLE_POLL: Final = 1 - 1e-9
"""Enough of an allowance for a poll: fractions of it do not add up to one exactly."""

FAILED_POLL_SECONDS: Final = 2.0
NotTold = Throttled | KeyRefused | NotSent | Lost | Rejected

EMPTY_MAX_MS: Final = 120 * 1000
"""A task that has been completed without outputs for this long has none."""

EMPTY_POLL_SECONDS: Final = 5.0


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
        troubles: TroubleNotes,
        completed: Callable[[HeldAttempt, list[outputs.ExpectedOutput]], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        wake: Callable[[], None],
    ) -> None:
        self._deps = deps
        self._activity = activity
        self._pauses = account_pauses
        self._latencies = latencies
        self._lateness = Lateness(deps, activity=activity, latencies=latencies, troubles=troubles)
        self._endings = TaskEndings(
            deps, inputs=inputs, latencies=latencies, ended=self._lateness.ended, completed=completed
        )
        self._spawn = spawn
        self._wake = wake
        self._due: list[tuple[float, int, Polled]] = []
        self._order = count()
        self._polling = 0
        self._allowance = 1.0
        self._allowance_at = deps.clock.monotonic()
        self._minimum = deps.settings.worker.poll_min_seconds
        self._maximum = deps.settings.worker.poll_max_seconds

    def add(self, attempt: HeldAttempt) -> None:
        """Poll an accepted attempt until it ends."""
        self._activity.follow(attempt)
        first = first_look_seconds(
            self._typical(attempt.model),
            minimum=self._minimum,
            maximum=self._maximum,
            uniform=self._deps.entropy.uniform,
        )
        waited = (self._deps.clock.now_ms() - attempt.accepted_at) / 1000
        self._schedule(Polled(attempt), max(0.0, first - waited))

    async def tick(self) -> float:
        """Start every poll that is due and within the rate; returns the seconds until the next may begin."""
        now = self._deps.clock.monotonic()
        rate = polls_a_second(self._deps.settings.limits, self._activity.concurrency)
        self._allowance = min(max(1.0, rate), self._allowance + (now - self._allowance_at) * rate)
        self._allowance_at = now
        while self._due and self._due[0][0] <= now and self._polling < POLLS_AT_ONCE:
            if not self._activity.follows(self._due[0][2].attempt):
                heapq.heappop(self._due)
                continue
            if self._allowance < WHOLE_POLL:
                return max(PAUSE_SECONDS, (1.0 - self._allowance) / rate)
            self._allowance -= 1.0
            _, _, polled = heapq.heappop(self._due)
            self._polling += 1
            self._spawn(self._poll(polled))
        if self._polling >= POLLS_AT_ONCE or not self._due:
            return self._maximum
        return max(PAUSE_SECONDS, self._due[0][0] - now)

    async def _poll(self, polled: Polled) -> None:
        outcome = await self._result(polled)
        if not self._activity.follows(polled.attempt):
            return  # it was taken over meanwhile, by another worker and by this one again
        polled.polls += 1
        if not isinstance(outcome, Missing):
            polled.missing_since = None
        if not isinstance(outcome, Prediction) or outcome.status is not Status.COMPLETED:
            polled.empty_since = None
        match outcome:
            case Prediction(status=Status.RUNNING):
                await self._still_running(polled, outcome)
            case Prediction(status=Status.COMPLETED) if any(outcome.outputs):
                await self._endings.complete(polled, outcome)
            case Prediction(status=Status.COMPLETED):
                await self._empty(polled, outcome)
            case Prediction():
                await self._endings.fail(polled, outcome, outcome.failure or UNEXPLAINED, charged=False)
            case Missing():
                await self._missing(polled, outcome)
            case _:
                await self._not_told(polled, outcome)

    async def _not_told(self, polled: Polled, outcome: NotTold) -> None:
        """The answer says nothing of how the task stands: a poll that fails never ends one."""
        wait = self._after_failure(polled)
        match outcome:
            case Throttled():
                answer = Answer("HTTP 429", odd=False, about_task=False)
                await self._again(polled, answer, outcome.retry_after_seconds or wait)
            case KeyRefused():
                if not await self._pauses.key.leaves_to_others(polled.attempt, outcome):
                    answer = Answer(outcome.message, odd=False, about_task=False)
                    await self._again(polled, answer, self._maximum)
            case NotSent():
                await self._again(polled, Answer(outcome.message, odd=True, about_task=False), wait)
            case Lost() | Rejected():
                await self._again(polled, Answer(outcome.message, odd=True), wait)
            case _:
                assert_never(outcome)

    async def _result(self, polled: Polled) -> ResultOutcome:
        try:
            return await self._deps.provider.result(polled.attempt.prediction_id)
        finally:
            if self._polling == POLLS_AT_ONCE:
                self._wake()
            self._polling -= 1

    def _schedule(self, polled: Polled, seconds: float) -> None:
        poll = (self._deps.clock.monotonic() + seconds, next(self._order), polled)
        heapq.heappush(self._due, poll)
        if self._due[0] is poll:
            self._wake()  # the loop is asleep until a later poll

    async def _again(self, polled: Polled, answer: Answer, planned: float) -> None:
        self._schedule(polled, await self._lateness.next_look_seconds(polled, answer, planned))

    async def _still_running(self, polled: Polled, prediction: Prediction) -> None:
        polled.running_ms = self._deps.clock.now_ms() - polled.attempt.accepted_at
        planned = next_look_seconds(
            polled.running_ms / 1000,
            self._typical(polled.attempt.model),
            minimum=self._minimum,
            maximum=self._maximum,
            uniform=self._deps.entropy.uniform,
        )
        said = prediction.oddity or f'the provider says "{prediction.status_text}"'
        await self._again(polled, Answer(said, odd=bool(prediction.oddity)), planned)

    async def _empty(self, polled: Polled, prediction: Prediction) -> None:
        """Completed and no output: the provider may be slower to show outputs than to say that it is done, so
        that is believed only after a while.
        """
        now = self._deps.clock.now_ms()
        polled.empty_since = now if polled.empty_since is None else polled.empty_since
        told = f": {prediction.oddity}" if prediction.oddity else ""
        if now - polled.empty_since < EMPTY_MAX_MS:
            words = f"completed without an output that can be read{told}"
            answer = Answer(words, odd=True, about_task=False)  # it ends by itself
            await self._again(polled, answer, max(self._minimum, EMPTY_POLL_SECONDS))
            return
        verdict = replace(NO_OUTPUTS, message=NO_OUTPUTS.message + told)
        await self._endings.fail(polled, prediction, verdict, charged=True)

    def _typical(self, model: str) -> TypicalLatency:
        return self._latencies.typical(model, self._deps.facts(model).typical_latency_seconds)

    def _after_failure(self, polled: Polled) -> float:
        base = max(self._minimum, min(FAILED_POLL_SECONDS, self._maximum))
        return self._minimum + backoff_seconds(
            min(polled.polls, 4),
            base_seconds=base,
            cap_seconds=self._maximum,
            uniform=self._deps.entropy.uniform,
        )

    async def _missing(self, polled: Polled, outcome: Missing) -> None:
        now = self._deps.clock.now_ms()
        polled.missing_since = polled.missing_since or now
        if now - polled.missing_since < MISSING_MAX_MS:
            answer = Answer(outcome.message, odd=True, about_task=False)
            await self._again(polled, answer, self._after_failure(polled))
            return
        prediction_id = polled.attempt.prediction_id
        gone = Prediction(prediction_id, Status.DELETED, "missing", error=outcome.message)
        message = f"the provider has not known prediction {prediction_id} for an hour: {outcome.message}"
        verdict = Disposition(retry=False, reason=PaidReason.PREDICTION_MISSING, message=message)
        await self._endings.fail(polled, gone, verdict, charged=True)
