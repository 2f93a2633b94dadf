"""What follows when a poll shows that a task has ended."""

from collections.abc import Callable
from dataclasses import replace

from orchestrator.core.polling import estimated_latency
from orchestrator.core.taxonomy import Disposition, Reason
from orchestrator.ports import Prediction
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.lateness import Polled
from orchestrator.worker.pipeline.outcomes import flags_of, retry_seconds
from orchestrator.worker.pipeline.prepare import Inputs


class TaskEndings:
    """Records how tasks ended; `ended` is told of each, `completed` takes those with outputs."""

    def __init__(
        self,
        deps: Deps,
        *,
        inputs: Inputs,
        latencies: Latencies,
        ended: Callable[[Polled], None],
        completed: Callable[[HeldAttempt, list[outputs.ExpectedOutput]], None],
    ) -> None:
        self._deps = deps
        self._inputs = inputs
        self._latencies = latencies
        self._ended = ended
        self._completed = completed

    async def complete(self, polled: Polled, prediction: Prediction) -> None:
        """The task completed with outputs: they are recorded, then fetched."""
        attempt = polled.attempt
        self._deps.crashpoint("poll.completed")
        observed = self._deps.clock.now_ms() - attempt.accepted_at
        self._latencies.add(
            attempt.model, estimated_latency(observed, polled.running_ms, prediction.inference_ms)
        )
        flags = flags_of(prediction, self._deps.settings.outputs)
        row = lifecycle.Complete(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            status=prediction.status_text,
            outputs=tuple(zip(prediction.outputs, flags, strict=False)),
            inference_ms=prediction.inference_ms,
        )
        expected = await write_durably(self._deps, lifecycle.complete, row)
        self._deps.crashpoint("poll.recorded")
        self._ended(polled)
        if expected is not None:
            self._completed(replace(attempt, inference_ms=prediction.inference_ms), expected)

    async def fail(
        self, polled: Polled, prediction: Prediction, verdict: Disposition, *, charged: bool
    ) -> None:
        """The task ended without outputs."""
        attempt = polled.attempt
        budgets = self._deps.settings.budgets
        if verdict.reason == Reason.INPUT_UNREACHABLE and attempt.sends_only_uploads:
            await self._inputs.forget(attempt.local_images)
        again = verdict.retried(sends_only_uploads=attempt.sends_only_uploads)
        delay = int(1000 * retry_seconds(self._deps, attempt.number)) if again else None
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
        self._ended(polled)
