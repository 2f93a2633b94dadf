"""What people are told, and how often it is tried: pure rules."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from orchestrator.core.errors import UsageError

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
WAITS_SECONDS: Final = (15.0, 60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0)
"""The delays after each failed delivery: a receiver that is out for a night still hears of it. After the last
one the notice is given up, and kept for `notify list`."""


class NoticeKind(StrEnum):
    """What a notice is about: the words of `events:` in the configuration."""

    RUN_FINISHED = "run_finished"  # nothing of a run is left to do
    CAP_THRESHOLD = "cap_threshold"  # 50, 80, 95 or 100 % of a cap is spent or held, or it was passed
    APPROVAL_WAITING = "approval_waiting"  # a canary or a tick waits for a person
    ATTENTION = "attention"  # something does not go on by itself
    SCHEDULE = "schedule"  # a tick was missed or has failed
    RESULTS_EXPIRING = "results_expiring"  # paid pictures that the provider soon deletes
    TEST = "test"  # `notify test`


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for people; its texts hold numbers and names, never a picture or a key."""

    subject: str  # what it is about: each target is told once of it
    kind: NoticeKind
    title: str  # one line
    text: str  # several lines; empty when the title says it all
    campaign: str | None = None  # None: the account
    run: str | None = None  # campaign/name/run
    data: dict[str, Any] = field(default_factory=dict)  # the numbers of the text

    def document(self) -> dict[str, Any]:
        """As it is kept, and sent to a webhook."""
        return {
            "kind": self.kind.value,
            "subject": self.subject,
            "title": self.title,
            "text": self.text,
            "campaign": self.campaign,
            "run": self.run,
            "data": self.data,
        }


def wait_ms(tries: int) -> int | None:
    """How long to wait after this many failed deliveries; None: give up."""
    return None if tries > len(WAITS_SECONDS) else int(WAITS_SECONDS[tries - 1] * 1000)


def signing_key(secret: str) -> bytes:
    """The key of a signing secret: base64 after `whsec_`, as Standard Webhooks has it; UsageError for what is
    none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise UsageError(
            f"The signing secret is none: {SECRET_PREFIX} and base64 are expected. Make one with: "
            "printf 'whsec_%s\\n' \"$(head -c 24 /dev/urandom | base64)\""
        )
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`, as Standard Webhooks has it: HMAC-SHA256 of id, time and body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
