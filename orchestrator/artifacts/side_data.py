"""A picture without what lies beside its pixels: text, colour profiles, thumbnails, timestamps.

Decoders refuse a whole picture for a comment that is too long or has a bad checksum. Browsers show it, and it
is paid for: what decodes without its side data is whole. What the pixels need stays, and is judged.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

from orchestrator.artifacts.png import SIGNATURE

_PNG_CHUNK: Final = Struct(">I4s")  # length, name; then the content, then four bytes of checksum
_PNG_PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_CHECKSUM_BYTES: Final = 4

_JPEG_START: Final = b"\xff\xd8"
_JPEG_SCAN: Final = 0xDA  # from here on it is pixels
_JPEG_SIDE: Final = frozenset({*range(0xE1, 0xEE), 0xEF, 0xFE})
"""Application segments and comments. Not JFIF (E0) and Adobe (EE): they say how colours are stored."""

_RIFF_HEAD: Final = 12
_RIFF_CHUNK: Final = Struct("<4sI")
_WEBP_PIXELS: Final = frozenset({b"VP8X", b"ALPH", b"VP8 ", b"VP8L"})
_WEBP_ALPHA: Final = 0x10  # the only flag of VP8X that is about pixels of a still picture


def without_side_data(content: bytes, media_type: str) -> bytes:
    """The picture with nothing but what its pixels need; what cannot be read so far is left as it is."""
    match media_type:
        case "image/png":
            return SIGNATURE + b"".join(_png_pixels(content))
        case "image/jpeg":
            return b"".join(_jpeg_pixels(content))
        case _:
            return _webp(b"".join(_webp_pixels(content)))


def _png_pixels(content: bytes) -> Iterator[bytes]:
    at = len(SIGNATURE)
    while at + _PNG_CHUNK.size <= len(content):
        length, name = _PNG_CHUNK.unpack_from(content, at)
        end = at + _PNG_CHUNK.size + length + _CHECKSUM_BYTES
        if name in _PNG_PIXELS:
            yield content[at:end]
        at = end


def _jpeg_pixels(content: bytes) -> Iterator[bytes]:
    yield _JPEG_START
    at = len(_JPEG_START)
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != _JPEG_SCAN:  # noqa: PLR2004
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if content[at + 1] not in _JPEG_SIDE:
            yield content[at:end]
        at = end
    yield content[at:]


def _webp_pixels(content: bytes) -> Iterator[bytes]:
    at = _RIFF_HEAD
    while at + _RIFF_CHUNK.size <= len(content):
        name, length = _RIFF_CHUNK.unpack_from(content, at)
        begin = at + _RIFF_CHUNK.size
        at = begin + length + length % 2
        if name not in _WEBP_PIXELS:
            continue
        chunk = bytearray(content[begin - _RIFF_CHUNK.size : at])
        if name == b"VP8X" and length:
            chunk[_RIFF_CHUNK.size] &= _WEBP_ALPHA
        yield bytes(chunk)


def _webp(chunks: bytes) -> bytes:
    body = b"WEBP" + chunks
    return _RIFF_CHUNK.pack(b"RIFF", len(body)) + body
