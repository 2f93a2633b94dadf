"""What an answer, or its absence, means. Pure functions over a table; nothing here touches the network.

The question behind every row is whether the request may have been acted on. Only a connection that was never
made, or a refusal in the provider's own status code, proves that it was not (docs: errors, retries,
timeouts).
"""

import re
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import httpx

from orchestrator.core.taxonomy import Reason
from orchestrator.ports import (
    Accepted,
    KeyRefused,
    Lost,
    Missing,
    NoCredit,
    NotSent,
    Rejected,
    ResultOutcome,
    SubmitOutcome,
    Throttled,
)
from orchestrator.provider.verdicts import NO_CREDIT_CODE, rejection
from orchestrator.provider.wire import UNREADABLE, Body, read_prediction
from orchestrator.runtime.transport_errors import NOTHING_SENT, TooLateError

REFUSING_CODES: Final = frozenset({1200, 1400, 1401, 1402})
"""Application codes about the request itself; in a reply without a prediction they refuse it like a 400."""

RETRY_AFTER_SECONDS_MAX: Final = 3600.0

NOT_HERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""What a provider answers that does not have an endpoint at all."""


class Meaning(Enum):
    """What an HTTP status, or an envelope code of the same number, says by itself."""

    DONE = auto()
    REJECTED = auto()
    KEY_REFUSED = auto()
    NO_CREDIT = auto()
    THROTTLED = auto()
    LOST = auto()


STATUS_MEANINGS: Final = MappingProxyType(
    {
        400: Meaning.REJECTED,
        401: Meaning.KEY_REFUSED,
        402: Meaning.NO_CREDIT,
        403: Meaning.KEY_REFUSED,
        404: Meaning.REJECTED,
        405: Meaning.REJECTED,
        406: Meaning.REJECTED,
        409: Meaning.REJECTED,
        410: Meaning.REJECTED,
        411: Meaning.REJECTED,
        413: Meaning.REJECTED,
        414: Meaning.REJECTED,
        415: Meaning.REJECTED,
        422: Meaning.REJECTED,
        429: Meaning.THROTTLED,
        431: Meaning.REJECTED,
    }
)
"""HTTP status -> meaning. 2xx is DONE; whatever is not listed (3xx, 408, 5xx, ...) may have been acted on:
LOST."""

_SECONDS: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_NO_CREDIT_WORDS: Final = ("insufficient credit", "insufficient balance")

Refusal = Rejected | Throttled | KeyRefused | NoCredit | Lost


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read to its end."""

    status: int
    body: Body
    retry_after_seconds: float | None = None


def meaning_of(status: int) -> Meaning:
    """What an HTTP status says by itself."""
    if httpx.codes.is_success(status):
        return Meaning.DONE
    return STATUS_MEANINGS.get(status, Meaning.LOST)


def classify_error(error: Exception) -> NotSent | Lost:
    """The outcome of a request that brought no whole answer."""
    words = str(error) or type(error).__name__
    if isinstance(error, TooLateError):
        return NotSent(words, expired=True)
    if isinstance(error, NOTHING_SENT):
        return NotSent(f"could not connect: {words}")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Lost(f"no answer in time: {words}")
    return Lost(f"the connection failed before the answer was complete: {words}")


def classify_submit(reply: Reply) -> SubmitOutcome:
    """The outcome of a submit.

    A 2xx with a usable id is accepted whatever else it says: a prediction that has an id can be polled,
    and submitting again could pay twice. Without an id, a refusal in the envelope's code counts as one in the
    status.
    """
    if meaning_of(reply.status) is Meaning.DONE:
        prediction = read_prediction(reply.body.data)
        if prediction is not None:
            return Accepted(prediction)
    outcome = refusal(reply) or Lost(f"HTTP {reply.status} without a usable prediction id{_said(reply.body)}")
    if isinstance(outcome, Lost) and _by_the_provider(reply):
        return replace(outcome, answered=True)
    return outcome


def classify_result(reply: Reply, prediction_id: str) -> ResultOutcome:
    """The outcome of polling one prediction.

    A 404 is Missing only in the provider's own JSON; a gateway's page says nothing about the prediction.
    """
    if meaning_of(reply.status) is Meaning.DONE:
        prediction = read_prediction(reply.body.data, fallback_id=prediction_id)
        if prediction is not None and prediction.id == prediction_id:
            return prediction
        if prediction is not None:
            return Lost(f"asked about {prediction_id}, was told about {prediction.id}")
    if reply.body.readable and _effective_status(reply) == HTTPStatus.NOT_FOUND:
        return Missing(reply.body.message or "the provider does not know this prediction")
    if reply.status == HTTPStatus.NOT_FOUND:
        return Lost("HTTP 404 from something that is not the provider's API")
    found = refusal(reply)
    if isinstance(found, NoCredit):
        # Polling costs nothing, so this can only be a confused answer.
        return Lost(found.message)
    return found or Lost(f"HTTP {reply.status} without a readable prediction{_said(reply.body)}")


def refusal(reply: Reply) -> Refusal | None:
    """Why the provider did not do what was asked; None for a 2xx whose envelope does not complain."""
    status = _effective_status(reply)
    meaning = meaning_of(status)
    message = _words(reply, status)
    if meaning is Meaning.LOST:
        return Lost(message)
    if meaning is Meaning.NO_CREDIT or _means_no_credit(reply.body):
        return NoCredit(message)
    match meaning:
        case Meaning.DONE:
            return None
        case Meaning.KEY_REFUSED:
            return KeyRefused(message, http_status=status)
        case Meaning.THROTTLED:
            return Throttled(reply.retry_after_seconds, message)
        case Meaning.REJECTED:
            reason = rejection(status, reply.body.code, reply.body.message).reason
            return Rejected(message, http_status=status, code=reply.body.code, reason=Reason(reason))


def parse_retry_after(value: str | None, now_ms: int) -> float | None:
    """Seconds to wait, 0 to 3600, of a Retry-After header (seconds or an HTTP date); None when absent or
    garbage.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), RETRY_AFTER_SECONDS_MAX)
    try:
        moment = parsedate_to_datetime(text)
        seconds = moment.timestamp() - now_ms / 1000
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


@lru_cache(maxsize=16)
def parse_date(value: str | None) -> int | None:
    """Milliseconds since the epoch of a `Date` header; None when absent or garbage. Kept, because all the
    answers of a second say the same.
    """
    if value is None:
        return None
    try:
        return int(parsedate_to_datetime(value).timestamp()) * 1000
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None


def _by_the_provider(reply: Reply) -> bool:
    """Whether the API itself gave up on a request, in its own envelope: a gateway that gave up says nothing
    about what happens behind it.
    """
    own = meaning_of(reply.status) is Meaning.DONE or reply.status in {
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
    return own and reply.body.readable and reply.body.code is not None


def _effective_status(reply: Reply) -> int:
    """The HTTP status, or what the envelope's code amounts to when a 2xx carries a refusal or a failure in
    it.
    """
    code = reply.body.code
    if meaning_of(reply.status) is not Meaning.DONE or code is None:
        return reply.status
    if httpx.codes.is_redirect(code) or httpx.codes.is_error(code):
        return code
    return HTTPStatus.BAD_REQUEST if code in REFUSING_CODES else reply.status


def _means_no_credit(body: Body) -> bool:
    data_code = body.data.get("code") if isinstance(body.data, dict) else None
    message = body.message.lower()
    return NO_CREDIT_CODE in {body.code, data_code if isinstance(data_code, int) else None} or any(
        words in message for words in _NO_CREDIT_WORDS
    )


def _words(reply: Reply, status: int) -> str:
    if reply.body is UNREADABLE or not reply.body.readable:
        return f"HTTP {status} with a body that is not the provider's JSON"
    return f"HTTP {status}{_said(reply.body)}"


def _said(body: Body) -> str:
    return f": {body.message}" if body.message else ""
