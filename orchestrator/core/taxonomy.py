"""What the provider's refusals and failures mean for a job: try again by itself, or not.

The tables are data; `make docs` copies their rows into `docs/errors.md`. A retry decided here is only
*allowed*: the number of attempts, the delay and the money are decided elsewhere.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Reason(StrEnum):
    """The short machine words that a failed attempt or job carries."""

    MODERATED = "moderated"  # the provider's content check refused the task
    BAD_INPUT = "bad_input"  # a parameter or the request as a whole is refused
    INPUT_UNREACHABLE = "input_unreachable"  # the provider could not download an input picture
    PROVIDER_ERROR = "provider_error"  # the task failed at the provider, through no fault of the request
    PROVIDER_TIMEOUT = "provider_timeout"  # the provider gave the task up
    CANCELLED_BY_PROVIDER = "cancelled_by_provider"  # cancelled at the provider, for instance in its web page
    DELETED_AT_PROVIDER = "deleted_at_provider"  # the task's record was deleted at the provider
    NO_CREDIT = "no_credit"  # the account could not pay for the task
    MODEL_UNKNOWN = "model_unknown"  # the provider knows no such model


@dataclass(frozen=True, slots=True)
class Disposition:
    """What to do after an attempt ended without its outputs."""

    retry: bool  # another attempt may be made without an operator
    reason: str  # one of Reason
    message: str  # one line for people: what the provider said, or what its code means


MODERATION_CODE: Final = 1200
NO_CREDIT_CODE: Final = 1407

FAILED_CODES: Final = MappingProxyType(
    {
        1200: (False, Reason.MODERATED, "the provider's content moderation refused the task"),
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

STATUSES: Final = MappingProxyType(
    {
        "timeout": (True, Reason.PROVIDER_TIMEOUT, "the provider gave the task up after its own time limit"),
        "cancelled": (False, Reason.CANCELLED_BY_PROVIDER, "the task was cancelled at the provider"),
        "deleted": (False, Reason.DELETED_AT_PROVIDER, "the task was deleted at the provider"),
    }
)
"""Terminal status other than completed and failed -> (retry, reason, meaning)."""

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

_MODERATION_WORDS: Final = (
    "flagged as potentially sensitive",
    "sensitive information",
    "content moderation",
    "sensitive content",
)
_MESSAGE_LIMIT: Final = 500


def disposition(
    status: str, code: int | None, error: str, *, input_was_our_upload: bool = False
) -> Disposition:
    """What a prediction that ended without outputs means for its job.

    `status` is the provider's terminal word (`failed`, `timeout`, `cancelled`, `deleted`). A failed task is
    judged by its application code first and by its text second; with neither known it may be tried again.
    Code 1402 (an input could not be fetched) is final for a URL of the user's, and worth another try, with a
    fresh upload, when `input_was_our_upload` says that every input was hosted by us and may have aged out.
    """
    if status in STATUSES:
        retry, reason, meaning = STATUSES[status]
        return Disposition(retry, reason, _one_line(error, meaning))
    if code is not None and code in FAILED_CODES:
        retry, reason, meaning = FAILED_CODES[code]
        if reason is Reason.INPUT_UNREACHABLE:
            retry = input_was_our_upload
        return Disposition(retry, reason, _one_line(error, meaning))
    if any(words in error.lower() for words in _MODERATION_WORDS):
        return Disposition(False, Reason.MODERATED, _one_line(error, FAILED_CODES[MODERATION_CODE][2]))
    return Disposition(True, Reason.PROVIDER_ERROR, _one_line(error, f"the task ended as {status}"))


def rejection(http_status: int, code: int | None, message: str) -> Disposition:
    """What a submit that the provider refused (no prediction exists) means for its job: never tried again by
    itself.

    An application code in the reply says more than the HTTP status, so it names the reason when it is known.
    """
    if code is not None and code in FAILED_CODES:
        _, reason, meaning = FAILED_CODES[code]
        return Disposition(False, reason, _one_line(message, meaning))
    reason, meaning = REJECTIONS.get(
        http_status, (Reason.BAD_INPUT, f"the provider refused the request with HTTP {http_status}")
    )
    return Disposition(False, reason, _one_line(message, meaning))


def _one_line(text: str, fallback: str) -> str:
    """`text` in one line of bounded length; `fallback` when it says nothing."""
    words = text.split() or fallback.split()
    return " ".join(words)[:_MESSAGE_LIMIT]
