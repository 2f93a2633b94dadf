"""What this provider's statuses, application codes and texts mean in our words.

The tables are data; `make docs` copies their rows into `docs/errors.md`.
"""

from types import MappingProxyType
from typing import Final

from orchestrator.core.taxonomy import Disposition, Reason
from orchestrator.ports.outcomes import Status
from orchestrator.provider.failure_texts import reason_in

NO_CREDIT_CODE: Final = 1407
GENERAL_CODES: Final = frozenset({1403, 1405, 1406})
"""Codes that say "failed" and nothing of why: the text that comes with them decides first."""

STATUS_WORDS: Final = MappingProxyType(
    {
        "created": Status.RUNNING,
        "pending": Status.RUNNING,
        "queued": Status.RUNNING,
        "submitted": Status.RUNNING,
        "starting": Status.RUNNING,
        "running": Status.RUNNING,
        "in_progress": Status.RUNNING,
        "processing": Status.RUNNING,
        "completed": Status.COMPLETED,
        "complete": Status.COMPLETED,
        "succeeded": Status.COMPLETED,
        "succeed": Status.COMPLETED,
        "success": Status.COMPLETED,
        "failed": Status.FAILED,
        "error": Status.FAILED,
        "nsfw": Status.FAILED,
        "cancelled": Status.CANCELLED,
        "canceled": Status.CANCELLED,
        "timeout": Status.TIMEOUT,
        "deleted": Status.DELETED,
    }
)
"""The word of a task -> what it means. The documented ones are created, pending, processing, completed,
failed, cancelled, timeout and deleted; the others are those of the models' own providers. A word that is not
here says neither that the task goes on nor that it has ended: it is polled on, and a person is asked in
time."""

FAILED_CODES: Final = MappingProxyType(
    {
        1200: (False, Reason.MODERATED, "the provider's content moderation refused the task"),
        1301: (False, Reason.MODERATED, "the content check of the model's own provider refused the task"),
        1400: (False, Reason.BAD_INPUT, "a parameter is missing"),
        1401: (False, Reason.BAD_INPUT, "a parameter is invalid"),
        1402: (False, Reason.INPUT_UNREACHABLE, "the provider could not fetch an input picture"),
        1403: (True, Reason.PROVIDER_ERROR, "the task's execution failed"),
        1405: (True, Reason.PROVIDER_ERROR, "the task failed"),
        1406: (True, Reason.PROVIDER_ERROR, "the provider ran out of its own retries"),
        1407: (True, Reason.NO_CREDIT, "the account has no credit left"),
        5000: (True, Reason.PROVIDER_ERROR, "the provider had an internal error"),
        5003: (True, Reason.PROVIDER_ERROR, "the provider was unavailable"),
        5004: (True, Reason.PROVIDER_TIMEOUT, "the provider timed out"),
    }
)
"""Application code of a failed task -> (retry, reason, meaning) (docs: error codes)."""

ENDED: Final = MappingProxyType(
    {
        "timeout": (True, Reason.PROVIDER_TIMEOUT, "the provider gave the task up after its own time limit"),
        "cancelled": (False, Reason.CANCELLED_BY_PROVIDER, "the task was cancelled at the provider"),
        "deleted": (False, Reason.DELETED_AT_PROVIDER, "the task was deleted at the provider"),
        "nsfw": (False, Reason.MODERATED, "the provider's content moderation refused the task"),
    }
)
"""Terminal status that says by itself why the task ended -> (retry, reason, meaning)."""

REJECTIONS: Final = MappingProxyType(
    {
        400: (Reason.BAD_INPUT, "the provider refused the request as malformed"),
        404: (Reason.MODEL_UNKNOWN, "the provider knows no such model"),
        409: (Reason.BAD_INPUT, "the provider refused the request as conflicting"),
        413: (Reason.BAD_INPUT, "the provider refused the request as too large"),
        422: (Reason.BAD_INPUT, "the provider refused the request's parameters"),
    }
)
"""HTTP status of a refused submit -> (reason, meaning); the same request would be refused again."""

_TEXT_MEANINGS: Final = MappingProxyType(
    {
        Reason.MODERATED: FAILED_CODES[1200][2],
        Reason.BAD_INPUT: FAILED_CODES[1401][2],
        Reason.INPUT_UNREACHABLE: FAILED_CODES[1402][2],
    }
)
_MESSAGE_LIMIT: Final = 500


def read_status(word: object) -> Status | None:
    """What the provider's word means; None for one that is not known, or for no word at all."""
    return STATUS_WORDS.get(_plain(word)) if isinstance(word, str) else None


def disposition(word: str, code: int | None, error: str) -> Disposition:
    """What a prediction that ended without outputs means for its job.

    `word` is the provider's terminal word. A word that says why decides; then a code that says why, then the
    text, then a general code. With nothing known it may be tried again.
    """
    plain = _plain(word)
    status = STATUS_WORDS.get(plain)
    ended = ENDED.get(plain if plain in ENDED else status.value if status is not None else "")
    if ended is not None:
        retry, reason, meaning = ended
        return Disposition(retry, reason, _one_line(error, meaning))
    known = FAILED_CODES.get(code) if code is not None else None
    if known is None or code in GENERAL_CODES:
        told = reason_in(error)
        if told is not None:
            return Disposition(retry=False, reason=told, message=_one_line(error, _TEXT_MEANINGS[told]))
    if known is None:
        return Disposition(True, Reason.PROVIDER_ERROR, _one_line(error, f"the task ended as {word}"))
    retry, reason, meaning = known
    return Disposition(
        retry,
        reason,
        _one_line(error, meaning),
        fresh_upload_helps=reason is Reason.INPUT_UNREACHABLE,
    )


def rejection(http_status: int, code: int | None, message: str) -> Disposition:
    """What a submit that the provider refused (no prediction exists) means for its job: never tried again by
    itself.

    An application code in the reply says more than the HTTP status, so it names the reason when it is known;
    so does a text of one of the families.
    """
    known = FAILED_CODES.get(code) if code is not None else None
    if known is not None:
        _, reason, meaning = known
        return Disposition(retry=False, reason=reason, message=_one_line(message, meaning))
    reason, meaning = REJECTIONS.get(
        http_status, (Reason.BAD_INPUT, f"the provider refused the request with HTTP {http_status}")
    )
    told = reason_in(message) if reason is Reason.BAD_INPUT else None
    return Disposition(retry=False, reason=told or reason, message=_one_line(message, meaning))


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _one_line(text: str, fallback: str) -> str:
    """`text` in one line of bounded length; `fallback` when it says nothing."""
    words = text.split() or fallback.split()
    return " ".join(words)[:_MESSAGE_LIMIT]
