"""Recipes: how accepted pictures are changed for the place that they go to. Words only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from orchestrator.pictures.embedded import NO_WORDS, Words

QUALITY_MIN: Final = 40
"""Below it, JPEG and WebP show their blocks: a byte limit is not bought with that."""


class Fit(StrEnum):
    """How a picture gets into a width and a height of another ratio."""

    INSIDE = "inside"  # keeps its ratio, so that one side may be shorter
    CROP = "crop"  # fills both, what is too much is cut away around the centre
    PAD = "pad"  # keeps all of it, the rest is background


class Format(StrEnum):
    """What is written."""

    KEEP = "keep"
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


EXTENSION: Final = {Format.JPEG: "jpg", Format.PNG: "png", Format.WEBP: "webp"}
MEDIA_TYPE: Final = {
    Format.JPEG: "image/jpeg",
    Format.PNG: "image/png",
    Format.WEBP: "image/webp",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe. Without width, height and ratio the size stays."""

    width: int | None = None
    height: int | None = None
    ratio: tuple[int, int] | None = None  # in place of one side or both
    fit: Fit = Fit.INSIDE
    background: str = "white"  # a colour: what padding and transparency become
    enlarge: bool = False
    format: Format = Format.KEEP
    quality: int = 90  # of JPEG and WebP
    max_bytes: int | None = None
    srgb: bool = True  # convert the colours and say so in the file; otherwise the profile is kept
    words: Words = NO_WORDS
    file: str = ""  # template of the file's name; empty: as the picture is called


PRESETS: Final[Mapping[str, Recipe]] = {
    "marketplace": Recipe(width=2000, height=2000, fit=Fit.PAD, format=Format.JPEG, max_bytes=10_000_000),
    "web": Recipe(width=1600, height=1600, format=Format.WEBP, quality=82),
    "social-square": Recipe(width=1080, height=1080, fit=Fit.CROP, format=Format.JPEG),
    "social-portrait": Recipe(width=1080, height=1350, fit=Fit.CROP, format=Format.JPEG),
    "social-story": Recipe(width=1080, height=1920, fit=Fit.CROP, format=Format.JPEG),
}
"""Recipes that need not be written down. `marketplace` is the white square that the large marketplaces ask
for."""

AS_IT_IS: Final = Recipe()


def is_copy(recipe: Recipe) -> bool:
    """Whether the recipe leaves the bytes alone."""
    return replace(recipe, file="", quality=90, background="white") == replace(
        AS_IT_IS, srgb=recipe.srgb
    ) and (recipe.max_bytes is None)
