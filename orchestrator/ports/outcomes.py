"""What the provider may answer: every outcome is a value, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestrator.core.taxonomy import Disposition, Reason


class Status(StrEnum):
    """The provider's words, mapped. An unknown word is RUNNING, with an oddity: it is polled on."""

    RUNNING = "running"  # created, processing, pending, or a word we do not know
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Prediction:
    """The provider's record of an accepted POST."""

    id: str
    status: Status
    status_text: str  # the provider's own word
    outputs: tuple[str, ...] = ()  # URLs, in order
    nsfw: tuple[bool | None, ...] = ()  # per output; None when the provider did not say
    nsfw_unclear: frozenset[int] = frozenset()  # outputs about which it said something that nobody can read
    error: str = ""
    code: int | None = None  # application code, in the provider's own numbers
    failure: Disposition | None = None  # what a task that ended without outputs means for its job
    oddity: str = ""  # what of the answer is not as documented, and keeps the task from going on
    inference_ms: int | None = None
    created_at_ms: int | None = None
    model: str | None = None
    inputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The POST created a prediction."""

    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Rejected:
    """A 4xx: no prediction exists, and the same request would be refused again."""

    message: str
    http_status: int
    code: int | None = None
    reason: Reason = Reason.BAD_INPUT  # what that means for a job whose submit was refused so


@dataclass(frozen=True, slots=True)
class Throttled:
    """429: not accepted; come back later."""

    retry_after_seconds: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """401 or 403: the key is missing, wrong, not activated, suspended, or lacks the permission."""

    message: str
    http_status: int


@dataclass(frozen=True, slots=True)
class NoCredit:
    """The account cannot pay (402, code 1407, or 'insufficient credits' in the message)."""

    message: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request left (DNS, refused, TLS, or it was not valid any more): nothing was created."""

    message: str
    expired: bool = False  # we held it back ourselves, because its time had passed


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have been acted on, and we do not know (5xx, reset, timeout, redirect, unreadable
    reply).
    """

    message: str
    refused_status: int | None = (
        None  # of an upload: the host's 4xx, which a fresh ticket may or may not mend
    )
    answered: bool = False  # the provider itself did answer, so that nothing is created any more


@dataclass(frozen=True, slots=True)
class Missing:
    """404 for a prediction: unknown to the provider, or past its retention."""

    message: str


SubmitOutcome = Accepted | Rejected | Throttled | KeyRefused | NoCredit | NotSent | Lost
ResultOutcome = Prediction | Missing | Throttled | KeyRefused | Rejected | NotSent | Lost


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A local image now has a hosted URL."""

    url: str


UploadOutcome = Uploaded | Rejected | Throttled | KeyRefused | NoCredit | NotSent | Lost


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account has left, in micros."""

    micros: int


BalanceOutcome = Balance | Rejected | Throttled | KeyRefused | NotSent | Lost


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """One page of the provider's list, newest first."""

    items: tuple[Prediction, ...]
    has_more: bool
    skipped: tuple[tuple[str, str], ...] = ()  # entries whose id no task can have: the id, and the model


ListOutcome = PredictionPage | Rejected | Throttled | KeyRefused | NotSent | Lost


@dataclass(frozen=True, slots=True)
class BillingRecord:
    """One deduct or refund on the provider's bill, in micros."""

    id: str  # empty when the provider gave none
    prediction_id: str
    kind: str  # deduct | refund
    micros: int
    created_at_ms: int | None


@dataclass(frozen=True, slots=True)
class OtherCharge:
    """A record of the bill that is about no task, such as of another service on the account; in micros."""

    id: str
    micros: int  # below zero when it was paid back; 0 when it cannot be read
    created_at_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BillingPage:
    """One page of billing records."""

    items: tuple[BillingRecord, ...]
    has_more: bool
    others: tuple[OtherCharge, ...] = ()


BillingOutcome = BillingPage | Rejected | Throttled | KeyRefused | NotSent | Lost


@dataclass(frozen=True, slots=True)
class Reached:
    """What a plain request to the provider's address showed."""

    error: str = ""  # why it could not be reached
    server_time_ms: int | None = None  # of the Date header


@dataclass(frozen=True, slots=True)
class Quote:
    """The live price of one call, in micros: what would be charged after discounts."""

    micros: int
    list_micros: int | None = None  # before discounts; None: not told


@dataclass(frozen=True, slots=True)
class NoPrice:
    """The provider told a price that cannot be held, such as one in another currency."""

    message: str


QuoteOutcome = Quote | NoPrice | Rejected | Throttled | KeyRefused | NotSent | Lost
