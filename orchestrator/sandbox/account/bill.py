"""The bill: what the provider did and took, as plain values. It is the judge, so it is read from the
sandbox alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.sandbox.account.account import Entry


@dataclass(frozen=True, slots=True)
class BilledTask:
    """An accepted task as the provider has it at the time of the bill."""

    id: str
    model: str
    inputs: Mapping[str, Any]  # defaults filled in, unknown keys gone
    dropped: tuple[str, ...]  # the unknown keys that were sent
    status: str
    error: str
    code: int
    created_at_ms: int
    finished_at_ms: int | None  # None while it runs
    price_micros: int
    outputs: int  # how many pictures it has; 0 until it is completed
    nsfw: tuple[bool, ...] | None
    output_sha256: Mapping[int, str]  # of the outputs that were made, by index
    seen_at_ms: int | None = None  # when a result read by the client first showed that it had ended


@dataclass(frozen=True, slots=True)
class Post:
    """A submit that reached the provider. `reply` is how it was answered; a task may exist in spite of it."""

    at_ms: int
    model: str
    body_sha256: str
    reply: str  # accepted, an HTTP status such as 429, or the name of a fault
    task_id: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook that was sent, or that was not."""

    at_ms: int
    task_id: str
    url: str
    answer: int | None  # the HTTP status; None when nobody answered, or it was never sent
    remark: str = ""  # lost, tampered, deleted, or why it was never sent


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that counts, at one moment. Money is micros."""

    tasks: tuple[BilledTask, ...] = ()
    charges: tuple[Entry, ...] = ()
    refunds: tuple[Entry, ...] = ()
    posts: tuple[Post, ...] = ()
    webhooks: tuple[Delivery, ...] = ()
    requests: Mapping[str, int] = field(
        default_factory=dict
    )  # by endpoint: submit, result, list, download, ...
    faults: Mapping[str, int] = field(default_factory=dict)  # fired, by name
    authorization_leaks: tuple[str, ...] = ()  # paths that must never see a key, and saw one
    starting_micros: int = 0
    balance_micros: int = 0
    refunds_due_micros: int = 0
    max_concurrency: int = 0  # accepted and unfinished tasks at once
    max_accepted_per_minute: int = 0  # in any 60 s
    max_posts_per_minute: int = 0  # in any 60 s, refused ones too

    @property
    def post_count(self) -> int:
        """Submits received, refused ones included."""
        return len(self.posts)

    @property
    def charged_micros(self) -> int:
        """The sum of all charges."""
        return sum(entry.micros for entry in self.charges)

    @property
    def refunded_micros(self) -> int:
        """The sum of the refunds paid so far."""
        return sum(entry.micros for entry in self.refunds)

    @property
    def net_micros(self) -> int:
        """Charges less refunds: what the account has really paid."""
        return self.charged_micros - self.refunded_micros

    def as_json(self) -> dict[str, Any]:
        """The bill as a JSON document, with its totals."""
        return asdict(self) | {
            "post_count": self.post_count,
            "charged_micros": self.charged_micros,
            "refunded_micros": self.refunded_micros,
            "net_micros": self.net_micros,
        }
