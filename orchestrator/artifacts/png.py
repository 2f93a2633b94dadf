"""A quicker proof that a PNG can be decoded: every row is inflated and checked, but not turned into pixels.

What a decoder does beyond that cannot fail: it adds up bytes, by one of five rules that each row names. This
proof knows PNGs as programs usually write them; of any other it says nothing, and a decoder has to judge.
"""

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, Final

from zlib_ng import zlib_ng as zlib

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_InflateError: Final[type[Exception]] = zlib.error  # type: ignore[assignment] # its stub calls it an instance
_CHUNK: Final = Struct(">I4s")  # length, name
_CHECKSUM: Final = Struct(">I")
_HEADER: Final = Struct(">IIBBBBB")  # width, height, bits, colours, compression, filters, interlacing
_BYTES_PER_PIXEL: Final = {0: 1, 2: 3, 4: 2, 6: 4}  # grey, RGB, grey and alpha, RGBA; each of eight bits
_BITS: Final = 8
_RULE_MAX: Final = 4
_BEFORE_ROWS: Final = frozenset(
    {b"tEXt", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"tIME", b"eXIf", b"bKGD", b"sBIT"}
)
_AFTER_ROWS: Final = frozenset({b"tEXt"})
"""Chunks that change no pixel. Compressed text is not among them: a decoder refuses too much of it,
wherever it comes."""

_COMMENT_BYTES_MAX: Final = 1 << 20


def has_every_row(file: BinaryIO) -> bool:
    """Whether the rest is in order too, to the end of the file, once a decoder has taken what comes before
    the rows.

    False proves nothing.
    """
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return False
    try:
        return _is_plain(_chunks(file))
    except (_InflateError, EOFError):
        return False


def _is_plain(chunks: Iterator[tuple[bytes, bytes]]) -> bool:
    name, header = next(chunks, (b"", b""))
    if name != b"IHDR" or len(header) != _HEADER.size:
        return False
    width, height, bits, colours, *methods = _HEADER.unpack(header)
    if bits != _BITS or colours not in _BYTES_PER_PIXEL or any(methods) or not width or not height:
        return False
    rows = _Rows(width * _BYTES_PER_PIXEL[colours], height)
    comment_bytes = 0
    for name, content in chunks:
        if name == b"IDAT":
            if rows.complete or not rows.take(content):
                return False
        elif name == b"IEND":
            return rows.complete and not content and next(chunks, None) is None
        else:
            comment_bytes += len(content)
            allowed = _AFTER_ROWS if rows.begun else _BEFORE_ROWS
            if name not in allowed or comment_bytes > _COMMENT_BYTES_MAX or rows.interrupted:
                return False
    return False


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk to the end of the file; raises EOFError for one that is cut short or
    altered.
    """
    while head := file.read(_CHUNK.size):
        if len(head) < _CHUNK.size:
            raise EOFError
        length, name = _CHUNK.unpack(head)
        content = file.read(length)
        checksum = file.read(_CHECKSUM.size)
        if checksum != _CHECKSUM.pack(zlib.crc32(content, zlib.crc32(name))):
            raise EOFError
        yield name, content


class _Rows:
    """The rows as they are inflated: each is the number of its rule and then its bytes."""

    def __init__(self, row_bytes: int, height: int) -> None:
        self._stride = 1 + row_bytes
        self._left = self._stride * height
        self._inflater = zlib.decompressobj()
        self.begun = False

    @property
    def interrupted(self) -> bool:
        """Whether something else must not come now: decoders stop where the rows' chunks do not follow
        each other.
        """
        return self.begun and not self.complete

    @property
    def complete(self) -> bool:
        """Whether all rows have come, and the compressed stream ended with them, its own checksum right."""
        return self._left == 0 and self._inflater.eof and not self._inflater.unused_data

    def take(self, content: bytes) -> bool:
        """More of the compressed stream; False when it brings more than the rows, or a rule that does not
        exist.
        """
        self.begun = True
        # One byte more than there should be: a stream that holds too much is found without inflating all of
        # it.
        piece = self._inflater.decompress(content, self._left + 1)
        rules = piece[self._left % self._stride :: self._stride]
        self._left -= len(piece)
        return self._left >= 0 and not self._inflater.unconsumed_tail and max(rules, default=0) <= _RULE_MAX
