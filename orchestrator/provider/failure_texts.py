"""What the free text of a failed task gives away when its code says no more than "failed".

The reseller passes the texts of the models' own providers through, mostly under its general codes 1403 and
1405, so that one refusal has many wordings. A text of these families is refused again each time it is sent,
and each refusal holds its price until the refund is seen.
"""

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.core.taxonomy import Reason

_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Family:
    """Wordings of one refusal, as `normalized` leaves them; whole words in this order."""

    reason: Reason
    source: str  # where the wording was seen
    phrases: tuple[str, ...]


FAMILIES: Final = (
    Family(
        Reason.MODERATED,
        "WaveSpeed: error codes page, logs of several clients",
        (
            "flagged as potentially sensitive",
            "flagged as sensitive",
            "sensitive information",
            "sensitive content",
            "content moderation",
        ),
    ),
    Family(
        Reason.MODERATED,
        "Kling: its own API's error codes (1301) and failed tasks",
        ("risk control", "content security policy", "code 1301"),
    ),
    Family(
        Reason.MODERATED,
        "other models' providers, passed through: content filters of hosted image models",
        (
            "nsfw content",
            "nsfw detected",
            "content policy",
            "content policies",
            "safety system",
            "safety filter",
            "safety filters",
            "safety policy",
            "prohibited content",
            "inappropriate content",
        ),
    ),
    Family(
        Reason.BAD_INPUT,
        "Kling: limits of its input pictures and prompt",
        (
            "image dimensions",
            "image dimension",
            "dimensions must be",
            "image resolution must",
            "image size must",
            "image is too small",
            "image is too large",
            "image too small",
            "image too large",
            "aspect ratio must",
            "aspect ratio of the image",
            "unsupported image format",
            "unsupported image type",
            "invalid image format",
            "image format is not supported",
            "prompt is too long",
            "prompt too long",
        ),
    ),
    Family(
        Reason.INPUT_UNREACHABLE,
        "WaveSpeed (code 1402) and its models' providers: an input picture cannot be fetched",
        (
            "failed to download image",
            "failed to download the image",
            "failed to download input",
            "failed to fetch image",
            "failed to fetch the image",
            "failed to fetch input",
            "unable to download image",
            "unable to download the image",
            "unable to fetch image",
            "unable to fetch the image",
            "cannot download image",
            "cannot download the image",
            "could not download image",
            "could not download the image",
            "download image failed",
            "image download failed",
        ),
    ),
)

OUTAGES: Final = (
    "unavailable",
    "timed out",
    "timeout",
    "overloaded",
    "too many requests",
    "rate limit",
    "connection",
    "internal error",
    "internal server error",
    "try again later",
)
"""With these words a text about moderation says that the check itself did not work, not that it refused."""

_ORDER: Final = (Reason.MODERATED, Reason.INPUT_UNREACHABLE, Reason.BAD_INPUT)
"""Which reason counts when a text has the words of several: the order of the table never does."""


def reason_in(text: str, families: tuple[Family, ...] = FAMILIES) -> Reason | None:
    """The reason that a text names, whatever its case and punctuation; None when it names none."""
    words = normalized(text)
    found = {family.reason for family in families if any(f" {phrase} " in words for phrase in family.phrases)}
    if any(f" {outage} " in words for outage in OUTAGES):
        found.discard(Reason.MODERATED)
    return next((reason for reason in _ORDER if reason in found), None)


def normalized(text: str) -> str:
    """Lower-case words with one space around each."""
    return f" {_NOT_A_WORD.sub(' ', text.lower()).strip()} "
