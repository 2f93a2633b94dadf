"""Making a picture by a recipe. Pure: bytes in, bytes out; the same in, the same out.

A recipe never enlarges unless it says so: a picture blown up to a marketplace's size passes the upload form
and looks bad in the shop.
"""

import io
import math
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

from orchestrator.pictures.embedded import packet
from orchestrator.pictures.recipes import QUALITY_MIN, Fit, Format, Recipe

PIXELS_MAX: Final = 200_000_000
"""More than any model makes; above it, a file is not decoded."""


class RecipeError(ValueError):
    """This picture cannot be made by this recipe; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Made:
    """A picture made by a recipe."""

    data: bytes
    format: Format
    width: int
    height: int


def make(data: bytes, recipe: Recipe) -> Made:
    """The picture by the recipe; raises RecipeError."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            profile = opened.info.get("icc_profile")
            found = Format(str(opened.format).lower()) if recipe.format is Format.KEEP else recipe.format
            picture = ImageOps.exif_transpose(opened) if _is_bearable(opened) else None
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise RecipeError(f"it cannot be read as a picture ({error})") from error
    if picture is None:
        raise RecipeError(f"it has {opened.width} x {opened.height} pixels, which is too many")
    picture = _plain(picture, profile, recipe, keeps_alpha=found is not Format.JPEG)
    return _within(_sized(picture, recipe), found, recipe, icc=_SRGB if recipe.srgb else profile)


def _is_bearable(picture: Image.Image) -> bool:
    return math.prod(picture.size) <= PIXELS_MAX


def size_of(source: tuple[int, int], recipe: Recipe) -> tuple[int, int]:
    """The size that a picture of this size gets; raises RecipeError when it would have to be enlarged."""
    box = _box(source, recipe)
    if box is None:
        return source
    factor = _factor(source, box, recipe.fit)
    if factor > 1 and not recipe.enlarge:
        if recipe.fit is Fit.INSIDE:
            return source
        raise RecipeError(
            f"{source[0]} x {source[1]} is too small for {box[0]} x {box[1]}: make it at a higher "
            "resolution, or allow `enlarge: true` in the recipe"
        )
    if recipe.fit is not Fit.INSIDE:
        return box
    return max(1, round(source[0] * factor)), max(1, round(source[1] * factor))


def _box(source: tuple[int, int], recipe: Recipe) -> tuple[int, int] | None:
    """The width and height to fit; None: whatever the picture has."""
    if recipe.ratio is not None:
        return _box_of_ratio(source, recipe, recipe.ratio)
    width, height = recipe.width, recipe.height
    if recipe.fit is Fit.INSIDE and (width or height):
        return width or PIXELS_MAX, height or PIXELS_MAX  # a side that is not named does not bind
    if width:
        return width, height or max(1, round(source[1] * width / source[0]))
    return (max(1, round(source[0] * height / source[1])), height) if height else None


def _box_of_ratio(source: tuple[int, int], recipe: Recipe, ratio: tuple[int, int]) -> tuple[int, int]:
    """A named side gives the other; without one, the picture keeps the side that the fit leaves it."""
    across, down = ratio
    if recipe.width:
        return recipe.width, recipe.height or max(1, round(recipe.width * down / across))
    if recipe.height:
        return max(1, round(recipe.height * across / down)), recipe.height
    wide = source[0] * down >= source[1] * across
    if (recipe.fit is Fit.CROP) == wide:
        return max(1, round(source[1] * across / down)), source[1]
    return source[0], max(1, round(source[0] * down / across))


def _factor(source: tuple[int, int], box: tuple[int, int], fit: Fit) -> float:
    sides = box[0] / source[0], box[1] / source[1]
    return max(sides) if fit is Fit.CROP else min(sides)


def _sized(picture: Image.Image, recipe: Recipe) -> Image.Image:
    size = size_of(picture.size, recipe)
    if size == picture.size:
        return picture
    match recipe.fit:
        case Fit.CROP:
            return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
        case Fit.PAD:
            colour = ImageColor.getcolor(recipe.background, picture.mode)
            return ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color=colour)
        case Fit.INSIDE:
            return picture.resize(size, Image.Resampling.LANCZOS)


def _plain(picture: Image.Image, profile: bytes | None, recipe: Recipe, *, keeps_alpha: bool) -> Image.Image:
    """8 bits of RGB, with transparency where it is kept and with the background in its place where not."""
    has_alpha = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
    if recipe.srgb and profile and picture.mode in {"RGB", "CMYK", "L"}:
        picture = _to_srgb(picture, profile)
    if not has_alpha:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    if keeps_alpha and recipe.fit is not Fit.PAD:
        return picture
    flat = Image.new("RGBA", picture.size, ImageColor.getcolor(recipe.background, "RGBA"))
    return Image.alpha_composite(flat, picture).convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return picture.convert("RGB")  # a broken profile is as good as none
    return converted or picture


def _within(picture: Image.Image, found: Format, recipe: Recipe, *, icc: bytes | None) -> Made:
    """Encoded, and as good as the byte limit allows: the highest quality that fits."""
    width, height = picture.size
    told = _told(found, packet(recipe.words), icc)

    def encoded(quality: int) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, found.value.upper(), **told, **_how(found, quality))
        return buffer.getvalue()

    best = encoded(recipe.quality)
    limit = recipe.max_bytes
    if limit is None or len(best) <= limit:
        return Made(data=best, format=found, width=width, height=height)
    low, high, fitting = QUALITY_MIN, recipe.quality - 1, None
    while found is not Format.PNG and low <= high:
        middle = (low + high) // 2
        data = encoded(middle)
        if len(data) <= limit:
            fitting, low = data, middle + 1
        else:
            high = middle - 1
    if fitting is None:
        raise RecipeError(
            f"it has {len(best):,} bytes and does not get below {limit:,} as {found.value}: allow more "
            "bytes, fewer pixels, or another format"
        )
    return Made(data=fitting, format=found, width=width, height=height)


def _how(found: Format, quality: int) -> dict[str, Any]:
    """Options of the encoder."""
    match found:
        case Format.JPEG:
            return {"quality": quality, "optimize": True, "progressive": True, "subsampling": 0}
        case Format.WEBP:
            return {"quality": quality, "method": 4}
        case _:
            return {"optimize": True}


def _told(found: Format, xmp: bytes, icc: bytes | None) -> dict[str, Any]:
    """What the file says of itself: its colours, and words."""
    told: dict[str, Any] = {"icc_profile": icc} if icc else {}
    if xmp:
        told |= {"pnginfo": _png_words(xmp)} if found is Format.PNG else {"xmp": xmp}
    return told


def _png_words(xmp: bytes) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8"))
    return info


def _dated(profile: bytes) -> bytes:
    """With a fixed date of creation (bytes 24 to 35 of an ICC header), so that equal pictures have equal
    bytes.
    """
    return profile[:24] + bytes((7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)) + profile[36:]


_SRGB: Final = _dated(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
