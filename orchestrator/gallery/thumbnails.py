"""Small pictures for the sheet, as data URIs."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageFilter, UnidentifiedImageError

LONG_SIDE: Final = 360
BLURRED_SIDE: Final = 20
QUALITY: Final = 72


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture, or why there is none."""

    uri: str = ""
    width: int = 0
    height: int = 0
    trouble: str = ""


def thumbnail(path: Path, *, blurred: bool) -> Thumbnail:
    """A WebP of at most 360 pixels; a blurred one holds 20 pixels, so that nothing can be sharpened out of
    it.
    """
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (LONG_SIDE, LONG_SIDE))
            small = picture.convert("RGBA" if picture.mode in {"RGBA", "LA", "P"} else "RGB")
        small.thumbnail((LONG_SIDE, LONG_SIDE))
        shape = small.size
        if blurred:
            small.thumbnail((BLURRED_SIDE, BLURRED_SIDE))
            small = small.convert("RGB").filter(ImageFilter.GaussianBlur(2))
    except FileNotFoundError:
        return Thumbnail(trouble="The file is not there any more.")
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        return Thumbnail(trouble=f"The file cannot be read as a picture: {error}")
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY, method=2)
    uri = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(uri, shape[0], shape[1])
