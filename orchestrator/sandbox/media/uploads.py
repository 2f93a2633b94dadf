"""Uploaded pictures: tickets, bytes on disk by digest, and what they are by content."""

import tempfile
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

TICKET_MS: Final = 15 * 60 * 1000

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


def picture_type(data: bytes) -> str | None:
    """The media type of a picture by its first bytes, or None when it is none that the provider takes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission to PUT one file."""

    id: str
    filename: str
    size: int
    content_type: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Media:
    """A hosted file."""

    id: str
    filename: str
    size: int
    content_type: str
    sha256: str
    is_picture: bool  # by its first bytes, whatever its type says
    expires_ms: int


class MediaStore:
    """Hosted files by id. Bytes lie in a temporary folder, once per content, until `close`."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.media: dict[str, Media] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._folder_lock = Lock()

    def keep(self, data: bytes) -> str:
        """Store bytes; returns their digest."""
        digest = sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
                part.write(data)
            Path(part.name).replace(path)  # whole or not there, for whoever reads it meanwhile
        return digest

    def host(self, ticket: Ticket, data: bytes, expires_ms: int) -> Media:
        """Make a ticket's file available under the ticket's id."""
        media = Media(
            id=ticket.id,
            filename=ticket.filename,
            size=len(data),
            content_type=ticket.content_type,
            sha256=self.keep(data),
            is_picture=picture_type(data) is not None,
            expires_ms=expires_ms,
        )
        self.media[ticket.id] = media
        return media

    def read(self, digest: str) -> bytes:
        """The bytes of a digest that `keep` gave."""
        return self._path(digest).read_bytes()

    def find(self, media_id: str, now_ms: int) -> Media | None:
        """A hosted file that has not aged out."""
        media = self.media.get(media_id)
        return media if media is not None and now_ms < media.expires_ms else None

    def close(self) -> None:
        """Remove the bytes."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _path(self, digest: str) -> Path:
        with self._folder_lock:  # uploads are kept in threads, and the first two may come together
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="orchestrator-sandbox-")
            return Path(self._folder.name) / digest


def is_loopback(host: str) -> bool:
    """Whether a host is this machine. The product has a rule of its own for that, and shares it not."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def own_media_id(url: str) -> str | None:
    """The id in a URL of a hosted file of ours (`/media/ID/NAME` on loopback), or None."""
    parts = urlsplit(url)
    match parts.path.split("/"):
        case ["", "media", media_id, _name] if is_loopback(parts.hostname or ""):
            return media_id
        case _:
            return None


def data_url_bytes(url: str) -> bytes | None:
    """The bytes of a `data:` URL, or None when it cannot be read."""
    head, comma, payload = url.partition(",")
    if not comma:
        return None
    try:
        return b64decode(payload, validate=True) if head.endswith(";base64") else unquote_to_bytes(payload)
    except (Base64Error, ValueError):
        return None
