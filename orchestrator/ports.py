"""Protocols for what we do not own: the provider, artifact files, time and chance.

There is no port for the database: a real SQLite file is its test double.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from orchestrator.core.specs import LocalImage


class Clock(Protocol):
    """Time. `orchestrator.clock.SystemClock` is the real one."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let others run for `seconds`."""
        ...


class Entropy(Protocol):
    """Chance. `orchestrator.clock.SystemEntropy` is the real one."""

    def token(self) -> str:
        """32 hex digits."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        ...


Crashpoint = Callable[[str], None]
"""Called with a name at each named crash point; a no-op in production, a kill in tests."""


def no_crash(_name: str) -> None:
    """The production crash point: nothing happens."""


# --- provider: every outcome is a value, never an exception --------------------------------------------------------


class Status(StrEnum):
    """The provider's words, mapped. An unknown word is RUNNING: keep polling."""

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
    error: str = ""
    code: int | None = None  # application code: 1200 is content moderation
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
    """The request may have been acted on, and we do not know (5xx, reset, timeout, redirect, unreadable reply)."""

    message: str


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


ListOutcome = PredictionPage | Rejected | Throttled | KeyRefused | NotSent | Lost


@dataclass(frozen=True, slots=True)
class BillingRecord:
    """One deduct or refund on the provider's bill, in micros."""

    id: str
    prediction_id: str
    kind: str  # deduct | refund
    micros: int
    created_at_ms: int | None


@dataclass(frozen=True, slots=True)
class BillingPage:
    """One page of billing records."""

    items: tuple[BillingRecord, ...]
    has_more: bool


BillingOutcome = BillingPage | Rejected | Throttled | KeyRefused | NotSent | Lost


@dataclass(frozen=True, slots=True)
class Quote:
    """The live price of one call, in micros: what would be charged after discounts."""

    micros: int


QuoteOutcome = Quote | Rejected | Throttled | KeyRefused | NotSent | Lost


class Provider(Protocol):
    """All the provider's HTTP. No method raises for anything that the network or the provider does."""

    async def submit(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        webhook: str | None = None,
        still_valid: Callable[[], bool] | None = None,
    ) -> SubmitOutcome:
        """POST once; never repeated by itself. `inputs` hold hosted URLs only.

        `still_valid` is asked at the last moment before the first byte leaves; when it says no, nothing is sent.
        """
        ...

    async def result(self, prediction_id: str) -> ResultOutcome:
        """The prediction as it is now."""
        ...

    async def list_predictions(
        self,
        *,
        model: str | None,
        created_after_ms: int,
        created_before_ms: int,
        page: int = 1,
        include_inputs: bool = False,
    ) -> ListOutcome:
        """One page (100) of the account's predictions in a window, newest first; 7 days at most."""
        ...

    async def upload(self, image: LocalImage) -> UploadOutcome:
        """Host the bytes of a local image. The result is publicly reachable."""
        ...

    async def balance(self) -> BalanceOutcome:
        """What the account has left."""
        ...

    async def billing(
        self,
        *,
        start_ms: int,
        end_ms: int,
        prediction_ids: Sequence[str] = (),
        page: int = 1,
    ) -> BillingOutcome:
        """One page (100) of billing records, oldest first."""
        ...

    async def quote(self, model: str, inputs: Mapping[str, Any]) -> QuoteOutcome:
        """The live price of a call."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


# --- artifacts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArtifactRequest:
    """One output to obtain and keep."""

    url: str
    path: str  # relative to the output root, as planned; its extension may be corrected by the real type
    expected_media_type: str  # image/png | image/jpeg | image/webp
    nsfw: bool | None
    known_sha256: str | None = None  # when the database already has it
    sidecar: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A complete, verified, durable file."""

    path: str  # relative to the output root; under quarantine/ when flagged and the policy says so
    sha256: str
    bytes: int
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DiscardedArtifact:
    """Verified, then not kept: flagged, and the policy is `discard`."""

    sha256: str
    bytes: int
    media_type: str
    width: int
    height: int


class FetchFault(StrEnum):
    """Why an output could not be stored."""

    TRANSIENT = "transient"  # network, 5xx, truncated, timeout: try the same URL again
    GONE = "gone"  # 403, 404, 410: the URL has expired; ask for a fresh one
    BAD_CONTENT = "bad_content"  # arrived whole, but is not the promised picture
    STORAGE = "storage"  # our disk is full, read-only or broken: stop, lose nothing
    COLLISION = "collision"  # another job's file already has this name


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """An output that is not stored, and why."""

    fault: FetchFault
    message: str


FetchOutcome = StoredArtifact | DiscardedArtifact | FetchFailed


class ArtifactStore(Protocol):
    """Where outputs are kept."""

    async def start(self) -> None:
        """Begin early with what takes a moment before the first output can be stored. Nobody has to call it."""
        ...

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        """Download, verify, publish and make durable; safe to repeat."""
        ...

    def sidecar(self, path: str) -> Mapping[str, Any] | None:
        """What is recorded beside the picture planned for `path`: its task, what was asked for; None without one."""
        ...

    def clean(self) -> int:
        """Remove stray temporary files of earlier processes; returns how many."""
        ...

    def check_writable(self) -> str | None:
        """None, or why the root cannot take a file now (missing rights, full disk)."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
