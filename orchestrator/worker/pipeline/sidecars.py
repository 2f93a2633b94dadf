"""What the file beside a picture says of it: enough to record it again when the database is lost."""

from typing import Any

from orchestrator.core.specs import LocalImage
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.attempts.outputs import ExpectedOutput


def sidecar_of(attempt: HeldAttempt, output: ExpectedOutput) -> dict[str, Any]:
    """Where this output comes from, what was asked for, and what it cost."""
    return {
        **output.origin,
        "job": attempt.job_id,
        "attempt": attempt.attempt_id,
        "model": attempt.model,
        "prediction_id": attempt.prediction_id,
        "params": attempt.params,
        "local_images": {
            written: LocalImage(**image).content for written, image in attempt.local_images.items()
        },
        "local_files": attempt.local_images,
        "output_index": output.index,
        "nsfw": output.nsfw,
        "price_micros": attempt.price_micros,
        "accepted_at_ms": attempt.accepted_at,
        "inference_ms": attempt.inference_ms,
    }
