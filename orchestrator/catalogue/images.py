"""What may be given as an input picture: a hosted URL, or a local file of a known format and a bearable
size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from orchestrator.core.addresses import is_loopback
from orchestrator.core.suggest import listed

MEGABYTE: Final = 1_000_000
CONTROL_MAX: Final = 0x20

SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
)
HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
SNIFF_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class InputRules:
    """What a model takes for a picture, checked before anything is uploaded or paid.

    The formats are those the provider lists (docs: upload pages), the defaults of a model that says no more.
    20 MB is our own choice, after the only image limit that was ever published, and leaves room for any
    photo. A model that is stricter than the provider's upload has an entry of its own: its pictures would be
    uploaded, and the paid task would fail.
    """

    media_types: tuple[str, ...] = (
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "image/bmp",
        "image/tiff",
    )
    bytes_max: int = 20 * MEGABYTE
    side_min: int = 1  # pixels
    ratio_max: float | None = None  # the longer side over the shorter one
    source: str = "docs: upload pages; the size is our own choice"

    def words(self) -> str:
        """What is allowed, for a message or a table."""
        parts = [formats(self.media_types), f"at most {self.bytes_max / MEGABYTE:g} MB"]
        if self.side_min > 1:
            parts.append(f"at least {self.side_min} pixels a side")
        if self.ratio_max is not None:
            parts.append(f"between 1:{self.ratio_max:g} and {self.ratio_max:g}:1")
        return ", ".join(parts)


def formats(media_types: Iterable[str]) -> str:
    """The names of formats, for a message: `JPEG, PNG`."""
    return listed(kind.removeprefix("image/").upper().replace("WEBP", "WebP") for kind in media_types)


def sniff(head: bytes) -> str | None:
    """The media type that the first `SNIFF_BYTES` bytes of a file promise; None when it is no picture we
    know.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "image/heic"
    for signature, media_type in SIGNATURES:
        if head.startswith(signature):
            return media_type
    return None


def is_url(text: str) -> bool:
    """Whether `text` is meant as a URL (`scheme://...` or `data:...`) and not as a local path."""
    return "://" in text or text[:5].lower() == "data:"


def url_problem(text: str) -> str | None:
    """Why a URL cannot be sent, or None: https anywhere, http on loopback hosts only, no user name, no
    spaces.
    """
    if text[:5].lower() == "data:":
        return "data: URLs are not accepted; give a local file, which is uploaded once, or an https URL"
    if any(ord(char) <= CONTROL_MAX for char in text):
        return "a URL cannot contain spaces or control characters; write %20 for a space"
    try:
        parts = urlsplit(text)
        _port = parts.port
    except ValueError as error:
        return f"not a URL: {error}"
    return _origin_problem(parts)


def _origin_problem(parts: SplitResult) -> str | None:
    if parts.scheme not in {"https", "http"}:
        return f"{parts.scheme}: URLs are not accepted; use https, or a local file"
    if not parts.hostname:
        return "the URL has no host"
    if parts.username is not None or parts.password is not None:
        return "a URL with a user name or password is not accepted: it would be sent to the provider"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "http is accepted for this machine only (localhost, 127.0.0.1, [::1]); use https"
    return None
