"""The picture inside a body that the output host compressed, asked to or not: piece by piece, never more
memory than a piece.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from orchestrator.artifacts.verify import BadPictureError, sniff

PIECE_BYTES: Final = 256 * 1024
"""How much is unpacked at once: who takes the pieces stops when there are too many, so that a small body that
unpacks to gigabytes costs nothing."""

_HEAD_BYTES: Final = 12
"""Enough to tell a picture from a compressed stream."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_NAMES: Final = frozenset({"gzip", "x-gzip"})
_NAMES: Final = _GZIP_NAMES | {"deflate", "identity", ""}


class PackingError(ValueError):
    """The body cannot be unpacked."""


def check_encoding(header: str) -> str:
    """The one encoding that a Content-Encoding names; raises PackingError for any that is not unpacked."""
    names = [name for name in (part.strip().lower() for part in header.split(",")) if name != "identity"]
    if len(names) > 1 or not _NAMES.issuperset(names):
        raise PackingError(
            f"the output host compressed a picture it was asked not to, as {', '.join(names)[:60]}"
        )
    return names[0] if names else ""


class Unpacker:
    """Takes the body as it comes, and gives what is in it.

    A picture that is sent as it is, whatever the header says, passes; a body that begins as gzip is unpacked,
    whatever the header says: no picture begins so.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._head: bytes | None = b""  # until it is known what the body is
        self._kind: int | None = None  # the decoder's number; None: sent as it is
        self._stream: zlib._Decompress | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """More of the body; raises PackingError when it is damaged."""
        if self._head is not None:
            self._head += piece
            if len(self._head) < _HEAD_BYTES:
                return
            piece = self._begin()
        yield from self._unpacked(piece)

    def finish(self) -> Iterator[bytes]:
        """The rest, after the whole body has come; raises PackingError when its end is missing."""
        if self._head is not None:
            yield from self._unpacked(self._begin())
        if self._stream is not None and not self._stream.eof:
            raise PackingError("the compressed body ends too early")

    def _begin(self) -> bytes:
        head, self._head = self._head or b"", None
        self._kind = self._kind_of(head)
        if self._kind is not None:
            self._stream = zlib.decompressobj(self._kind)
        return head

    def _kind_of(self, head: bytes) -> int | None:
        if head.startswith(_GZIP_MAGIC):
            return _GZIP
        if not self._encoding or not head:
            return None
        try:
            sniff(head)
        except BadPictureError:
            if self._encoding in _GZIP_NAMES:
                raise PackingError("the body is said to be gzip, and is not") from None
            return _ZLIB if head[0] & 0x0F == zlib.DEFLATED and not int.from_bytes(head[:2]) % 31 else _RAW
        return None

    def _unpacked(self, piece: bytes) -> Iterator[bytes]:
        if self._stream is None:
            yield piece
            return
        try:
            while piece:
                if self._stream.eof:
                    if not piece.strip(b"\x00"):  # padding
                        return
                    self._stream = zlib.decompressobj(self._kind or _GZIP)  # the next member of a gzip file
                yield self._stream.decompress(piece, PIECE_BYTES)
                piece = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        except zlib.error as error:
            raise PackingError(f"the compressed body is damaged: {error}") from None
