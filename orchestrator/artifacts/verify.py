"""Is it the promised picture? Judged by its bytes, never by its name, its URL or a header."""

from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from orchestrator.artifacts.png import SIGNATURE, has_every_row
from orchestrator.artifacts.side_data import without_side_data
from orchestrator.core.decoding import DECODER_ERRORS, decoder_words

PIXELS_MAX: Final = 50_000_000
HEAD_BYTES: Final = 64
_LETTER_BYTES_MAX: Final = 4  # of UTF-8

# The decoder's classes, not Image.open: only these three formats can ever be tried.
_DECODERS: Final[dict[str, type[ImageFile]]] = {
    "image/png": PngImageFile,
    "image/jpeg": JpegImageFile,
    "image/webp": WebPImageFile,
}


class BadPictureError(ValueError):
    """The bytes are not a picture that was promised."""


class TooManyPixelsError(BadPictureError):
    """It may be whole, and nobody will find out: it is larger than what is decoded."""


@dataclass(frozen=True, slots=True)
class VerifiedPicture:
    """What a whole, decodable picture is."""

    media_type: str
    width: int
    height: int


def sniff(head: bytes) -> str:
    """The media type by its first bytes; raises BadPictureError, saying what it looks like, for anything
    else.
    """
    if head.startswith(SIGNATURE):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    raise BadPictureError(f"not a PNG, JPEG or WebP picture but {_looks_like(head)}")


def decode(file: BinaryIO) -> VerifiedPicture:
    """Decode all of it, or prove that it can be decoded; raises BadPictureError when its pixels are not
    whole, OSError when the file cannot be read.
    """
    media_type = sniff(file.read(HEAD_BYTES))
    file.seek(0)
    try:
        return _decoded(file, media_type)
    except TooManyPixelsError:
        raise
    except BadPictureError as error:
        file.seek(0)
        bare = BytesIO(without_side_data(file.read(), media_type))
        try:
            return _decoded(bare, media_type)
        except (BadPictureError, OSError):
            raise error from None


def is_worth_keeping(head: bytes) -> bool:
    """Whether a body that is no proven picture may be the paid one, by its first `HEAD_BYTES` bytes or more.

    Anything but nothing, and what a host says in words: a page, JSON, a sentence. A drawing in SVG is kept.
    """
    if b"<svg" in head:
        return True
    return bool(head.strip()) and not _is_text(head)


def _is_text(head: bytes) -> bool:
    try:
        words = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - _LETTER_BYTES_MAX:
            return False
        words = head[: error.start].decode("utf-8")  # the end of the head cuts a letter
    return all(letter.isprintable() or letter in "\ufeff\t\r\n" for letter in words)


def _decoded(file: BinaryIO, media_type: str) -> VerifiedPicture:
    try:
        with _DECODERS[media_type](file) as image:
            width, height = image.size
            # The size is checked before a pixel is decoded: a small file can hold a ruinous picture.
            _check_size(width, height)
            if not (media_type == "image/png" and _has_every_row(file)):
                image.load()
    except BadPictureError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise BadPictureError(f"the {media_type} data does not decode: {error}") from None
    except DECODER_ERRORS as error:
        raise BadPictureError(f"the {media_type} data does not decode: {decoder_words(error)}") from None
    return VerifiedPicture(media_type, width, height)


def _has_every_row(file: BinaryIO) -> bool:
    """As `png.has_every_row`, for a file that a decoder is reading."""
    place = file.tell()
    file.seek(0)
    try:
        return has_every_row(file)
    finally:
        file.seek(place)


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= PIXELS_MAX:
        raise TooManyPixelsError(
            f"{width} x {height} pixels, and at most {PIXELS_MAX // 1_000_000} million are taken"
        )


def _looks_like(head: bytes) -> str:
    start = head.lstrip()[:1]
    if not head:
        return "nothing at all"
    if head[:4] == b"GIF8":
        return "a GIF"
    if start == b"<":
        return "an HTML, XML or SVG document"
    if start in {b"{", b"["}:
        return "JSON"
    return f"bytes that start with {head[:8].hex(' ')}"
