"""Making small pictures: WebP of two sizes, and a blurred one of pictures that are flagged."""

import io
from enum import StrEnum
from typing import BinaryIO, Final

from PIL import Image, ImageCms, ImageFilter, ImageOps

from orchestrator.core.decoding import DECODER_ERRORS

BLURRED_SIDE: Final = 20
QUALITY: Final = 74
METHOD: Final = 1
"""Of the encoder, 0 to 6: two thirds of the time of its default, for a tenth more bytes."""

PIXELS_MAX: Final = 120_000_000
"""A larger picture is not shown small: a source may be anything."""

_HEAD_BYTES: Final = 12


class ThumbnailKind(StrEnum):
    """Which small picture: by its longer side in pixels."""

    SMALL = "256"
    LARGE = "768"
    BLURRED = "blurred"  # 20 pixels, so that nothing can be sharpened out of it


SHARP: Final = (ThumbnailKind.LARGE, ThumbnailKind.SMALL)


class NoThumbnailError(ValueError):
    """No small picture can be made; in words for people."""


def make(file: BinaryIO, *, flagged: bool) -> dict[ThumbnailKind, bytes]:
    """Every small picture that may be shown of this one: of a flagged one the blurred alone. Raises
    NoThumbnailError.
    """
    try:
        with Image.open(file) as picture:
            _check_size(picture)
            picture.draft("RGB", (int(ThumbnailKind.LARGE), int(ThumbnailKind.LARGE)))
            small = _resizable(picture)
            small.thumbnail((int(ThumbnailKind.LARGE), int(ThumbnailKind.LARGE)), reducing_gap=2.0)
            small = _upright_rgb(small)
        if flagged:
            small.thumbnail((BLURRED_SIDE, BLURRED_SIDE))
            small = small.convert("RGB").filter(ImageFilter.GaussianBlur(2))
            return {ThumbnailKind.BLURRED: _encoded(small)}
        found = {}
        for kind in SHARP:
            small.thumbnail((int(kind), int(kind)), reducing_gap=2.0)
            found[kind] = _encoded(small)
    except NoThumbnailError:
        raise
    except (OSError, Image.DecompressionBombError, *DECODER_ERRORS) as error:
        raise NoThumbnailError(f"the file cannot be read as a picture: {error}") from None
    return found


def size_of(webp: bytes) -> tuple[int, int]:
    """Width and height of a small picture of ours."""
    with Image.open(io.BytesIO(webp)) as picture:
        return picture.size


def is_whole(webp: bytes) -> bool:
    """Whether the bytes are as long as their head says: a file may be cut where power failed."""
    head = webp[:_HEAD_BYTES]
    is_webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    return is_webp and int.from_bytes(head[4:8], "little") + 8 == len(webp) and any(webp[-64:])


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > PIXELS_MAX:
        raise NoThumbnailError(f"{picture.width} x {picture.height} pixels are too many to show")


def _resizable(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose neighbouring pixels can be averaged."""
    if picture.mode.startswith("I"):  # 16 bits
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    if picture.mode in {"P", "PA", "1"} or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture


def _upright_rgb(picture: Image.Image) -> Image.Image:
    """The picture as it is meant to be seen: turned as its camera says, in the colours of screens."""
    upright = ImageOps.exif_transpose(picture)
    has_alpha = upright.mode in {"RGBA", "LA"}
    profile = upright.info.get("icc_profile")
    if profile and upright.mode in {"RGB", "CMYK"}:
        try:
            found = ImageCms.profileToProfile(
                upright, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            found = None
        if found is not None:
            return found
    return upright.convert("RGBA" if has_alpha else "RGB")


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, method=METHOD)
    return buffer.getvalue()
