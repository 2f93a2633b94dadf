"""Conversion of an input picture to one that the model takes: the same bytes for the same bytes, and the file
stays as it is.

Bound to `picture_rules.SCHEME`: whoever changes what comes out counts it up.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from PIL import Image, ImageCms, ImageOps

from orchestrator.core.specs import LocalImage
from orchestrator.manifest.inputs.picture_facts import READING_ERRORS, opener
from orchestrator.manifest.inputs.picture_rules import SCHEME

_QUALITIES: Final = (95, 90, 85, 80, 70)
_SHRINK: Final = 0.8
_SHRINKS_MAX: Final = 8
_LOSSLESS: Final = frozenset({"image/png", "image/tiff", "image/gif", "image/bmp"})
_FROM_16_BITS: Final = 1 / 256
_ALPHA_MODES: Final = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


class CannotConvertError(ValueError):
    """The picture cannot be converted."""


class Converted(NamedTuple):
    """A picture as it is sent."""

    content: bytes
    media_type: str


def convert(path: Path, media_type: str, recipe: str) -> Converted:
    """The picture of a file as its recipe wants it; raises CannotConvertError, or OSError for a file that
    cannot be read.
    """
    scheme, side_min, bytes_max = (int(part) for part in recipe.split(":"))
    open_picture = opener(media_type)
    if scheme != SCHEME or open_picture is None:
        missing = (
            "its library is not installed here" if open_picture is None else f"scheme {scheme} is unknown"
        )
        raise CannotConvertError(f"{path} cannot be converted: {missing}")
    content = path.read_bytes()
    try:
        with open_picture(io.BytesIO(content)) as image:
            image.seek(0)
            upright = ImageOps.exif_transpose(image)
            plain = _enlarged(_eight_bits(_rgb(upright)), side_min)
            for found in _encodings(plain, lossless=media_type in _LOSSLESS):
                if len(found.content) <= bytes_max:
                    return found
    except READING_ERRORS as error:
        raise CannotConvertError(f"{path} cannot be converted: {error}") from None
    raise CannotConvertError(f"{path} cannot be made smaller than {bytes_max:,} bytes")


def converted_copy(image: LocalImage) -> tuple[IO[bytes], LocalImage]:
    """The converted picture in a temporary file that nobody else can read, gone when it is closed.

    Raises CannotConvertError, and OSError when a file cannot be read or written.
    """
    found = convert(Path(image.path), image.media_type, image.recipe)
    copy = tempfile.NamedTemporaryFile(prefix="orchestrator-input-")  # noqa: SIM115 - closed by the caller
    try:
        copy.write(found.content)
        copy.flush()
    except OSError:
        copy.close()
        raise
    digest = hashlib.sha256(found.content).hexdigest()
    return copy, LocalImage(
        path=copy.name, sha256=digest, bytes=len(found.content), media_type=found.media_type
    )


def _rgb(image: Image.Image) -> Image.Image:
    """CMYK by its colour profile, where it has one that works."""
    if image.mode != "CMYK":
        return image
    profile = image.info.get("icc_profile")
    if profile:
        try:
            found = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            found = None
        if found is not None:
            found.info.pop("icc_profile", None)
            return found
    image = image.convert("RGB")
    image.info.pop("icc_profile", None)  # it is about the inks
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """L, LA, RGB or RGBA, of eight bits a channel."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * _FROM_16_BITS).convert("L")
    if image.mode in {"L", "RGB", "RGBA", "LA"}:
        return image
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _enlarged(image: Image.Image, side_min: int) -> Image.Image:
    short = min(image.size)
    if short >= side_min:
        return image
    width, height = (max(side_min, round(side * side_min / short)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _encodings(image: Image.Image, *, lossless: bool) -> Iterator[Converted]:
    """From the best on, smaller and smaller: PNG for what is lossless or transparent, then JPEG on white."""
    profile = image.info.get("icc_profile")
    if lossless or image.mode in _ALPHA_MODES:
        yield _encoded(image, "PNG", icc_profile=profile, compress_level=6)
    flat = _on_white(image)
    for _ in range(_SHRINKS_MAX):
        for quality in _QUALITIES:
            yield _encoded(flat, "JPEG", icc_profile=profile, quality=quality, subsampling=0)
        flat = flat.resize([max(1, round(side * _SHRINK)) for side in flat.size], Image.Resampling.LANCZOS)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in _ALPHA_MODES:
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")


def _encoded(image: Image.Image, kind: str, **options: object) -> Converted:
    buffer = io.BytesIO()
    bare = image.copy()
    bare.info.clear()  # no EXIF data: they would be applied again, and say where a photo was taken
    bare.save(buffer, kind, **options)
    return Converted(buffer.getvalue(), f"image/{kind.lower()}")
