"""What an input picture is: decoded to its end, once for each content, because what a file is called and how
it begins prove nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from orchestrator.core.decoding import DECODER_ERRORS, decoder_words

HEIC: Final = "image/heic"
PIXELS_MAX: Final = 100_000_000
"""How many pixels are decoded at most, which takes 400 MB for a moment; of a JPEG 64 times as many, since
only every eighth in each direction is worked out."""

_KEPT_MAX: Final = 100_000
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = 1
_PNG_BITS_AT: Final = 24  # in the header: bits of a channel
_JPEG_STEP: Final = 8
_DEEP_BITS: Final = 16

# The decoders' classes, not Image.open: only the format that the content promises is ever tried.
_DECODERS: Final[dict[str, type[ImageFile]]] = {
    "image/png": PngImageFile,
    "image/jpeg": JpegImageFile,
    "image/webp": WebPImageFile,
    "image/gif": GifImageFile,
    "image/bmp": BmpImageFile,
    "image/tiff": TiffImageFile,
}
READING_ERRORS: Final = (OSError, *DECODER_ERRORS)
"""What the decoders raise for content that is off."""


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of one content. `damage` says why it is no whole picture; the rest is void then."""

    width: int = 0
    height: int = 0
    rotated: bool = False  # shown turned or mirrored, because its EXIF data say so
    cmyk: bool = False
    deep: bool = False  # 16 bits a channel
    animated: bool = False
    damage: str = ""

    @property
    def short_side(self) -> int:
        """The smaller of width and height."""
        return min(self.width, self.height)

    @property
    def ratio(self) -> float:
        """The longer side over the shorter one."""
        return max(self.width, self.height) / max(1, self.short_side)


class PictureReader:
    """Reads facts of pictures; each content is decoded once in the life of a process."""

    _known: Final[dict[str, PictureFacts]] = {}  # by digest; shared, because a content is what it is

    def facts(self, path: Path, sha256: str, media_type: str) -> PictureFacts:
        """The facts of the file with that digest; raises OSError when it cannot be opened."""
        found = self._known.get(sha256)
        if found is None:
            with path.open("rb") as file:
                found = _read(file, media_type)
            if len(self._known) >= _KEPT_MAX:
                self._known.clear()
            self._known[sha256] = found
        return found


def opener(media_type: str) -> Callable[[BinaryIO], Image] | None:
    """What opens pictures of this type; None for HEIC where its library is not installed."""
    if media_type != HEIC:
        return _DECODERS[media_type]
    if find_spec("pillow_heif") is None:
        return None
    from pillow_heif.as_plugin import HeifImageFile  # type: ignore[import-not-found]

    return HeifImageFile  # type: ignore[no-any-return]


def _read(file: BinaryIO, media_type: str) -> PictureFacts:
    is_jpeg = media_type == "image/jpeg"
    open_picture = opener(media_type)
    assert open_picture is not None  # who asks has looked whether there is a decoder
    try:
        with open_picture(file) as image:
            width, height = image.size
            pixels = width * height // (_JPEG_STEP**2 if is_jpeg else 1)
            if not width * height or pixels > PIXELS_MAX:
                return PictureFacts(damage=f"{width} x {height} pixels are too many to decode")
            facts = PictureFacts(
                width=width,
                height=height,
                rotated=orientation(image) != _UPRIGHT,
                cmyk=image.mode == "CMYK",
                deep=image.mode.startswith("I;16") or (media_type == "image/png" and _is_deep(file)),
                animated=getattr(image, "n_frames", 1) > 1,
            )
            image.seek(0)
            if is_jpeg:  # all of it is read, and an eighth of it in each direction is worked out
                image.draft(None, (max(1, width // _JPEG_STEP), max(1, height // _JPEG_STEP)))
            image.load()
    except READING_ERRORS as error:
        return PictureFacts(damage=decoder_words(error))
    return facts


def orientation(image: Image) -> int:
    """The EXIF orientation, 1 to 8; upright where there is none, or none that can be read."""
    try:
        found = image.getexif().get(_ORIENTATION, _UPRIGHT)
    except READING_ERRORS:
        return _UPRIGHT
    return found if found in range(1, 9) else _UPRIGHT


def _is_deep(file: BinaryIO) -> bool:
    place = file.tell()
    file.seek(_PNG_BITS_AT)
    bits = file.read(1)
    file.seek(place)
    return bits == bytes([_DEEP_BITS])
