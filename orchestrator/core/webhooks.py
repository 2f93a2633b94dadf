"""Webhooks as pure rules: the URL that names an attempt, the provider's signature, and what a delivery says.

The provider signs `{webhook-id}.{webhook-timestamp}.{raw body}` with HMAC-SHA256 and sends `v3,` and the
digest in lowercase hex; the key is the text of the secret after `whsec_`, as it is (docs: how to use
webhooks). That is not the Standard Webhooks scheme. Exactly this one scheme is accepted: accepting more would
let a forger choose the weakest.

The token in the URL is a capability to *report*: whoever knows it can do nothing without the secret as well.
The signature is therefore checked first, so that nobody without the secret can find tokens by trying.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

TOKEN: Final = "token"  # noqa: S105 - the parameter's name
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
MAX_AGE_SECONDS: Final = 300
"""How far the time of a delivery may be from ours, in either direction (docs: how to use webhooks)."""

_ID: Final = re.compile(r"[!-~]{1,256}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v3,[0-9a-f]{64}")
_PREDICTION: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STATUS: Final = re.compile(r"[a-z_]{1,32}")


class Refusal(StrEnum):
    """Why a delivery is not believed."""

    HEADERS = "a header of the signature is missing, repeated or unreadable"
    TIME = "its time is more than 300 s away from ours"
    SIGNATURE = "its signature does not fit its content"
    CONTENT = "it is signed, and its content is no prediction"
    STRANGER = "it is signed, and its token belongs to no attempt of this database"


@dataclass(frozen=True, slots=True)
class WebhookReport:
    """What a delivery says: this prediction is now in this status."""

    prediction_id: str
    status: str


def callback_url(url: str | None, token: str) -> str | None:
    """The URL that the provider calls for the attempt with this token; None when no webhook is configured."""
    return None if url is None else f"{url}?{urlencode({TOKEN: token})}"


def signature(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    """The value of `webhook-signature` for a delivery."""
    key = secret.removeprefix(SECRET_PREFIX).encode()
    message = f"{webhook_id}.{timestamp}.".encode() + body
    return f"v3,{hmac.new(key, message, hashlib.sha256).hexdigest()}"


def refusal(
    headers: Iterable[tuple[str, str]], body: bytes, secrets: Sequence[str], now_seconds: float
) -> Refusal | None:
    """None for a delivery that was signed with one of the secrets just now; else why it is not believed.

    `headers` are all of the request's, in any case. Several secrets are in force while one replaces another.
    """
    given: dict[str, list[str]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(value)
    found = [given.get(f"webhook-{word}", []) for word in ("id", "timestamp", "signature")]
    if any(len(values) != 1 for values in found):
        return Refusal.HEADERS
    webhook_id, timestamp, offered = (values[0] for values in found)
    if not _ID.fullmatch(webhook_id) or not _TIMESTAMP.fullmatch(timestamp):
        return Refusal.HEADERS
    if abs(now_seconds - int(timestamp)) > MAX_AGE_SECONDS:
        return Refusal.TIME
    candidates = [word.encode() for word in offered.split(" ") if _SIGNATURE.fullmatch(word)]
    expected = [
        signature(secret=secret, webhook_id=webhook_id, timestamp=timestamp, body=body).encode()
        for secret in secrets
    ]
    fits = [hmac.compare_digest(one, other) for one in candidates for other in expected]
    return None if any(fits) else Refusal.SIGNATURE


def read_report(body: bytes) -> WebhookReport | None:
    """The prediction that a signed body is about; None when it is not a prediction object.

    Only its id and its status are read. Output URLs are never taken from here: the prediction is looked up
    instead.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    name = data.get("id") if isinstance(data, dict) else None
    if not isinstance(name, str) or not _PREDICTION.fullmatch(name):
        return None
    status = data.get("status")
    known = isinstance(status, str) and _STATUS.fullmatch(status)
    return WebhookReport(name, str(status) if known else "unknown")
