"""Real pictures, drawn from the reference pictures and the prompt. Pure: equal specs give equal bytes."""

import colorsys
import io
import textwrap
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil, sqrt
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

LONG_SIDE: Final = {"1k": 1024, "2k": 2048, "4k": 4096}
_AUTO_WITHOUT_REFERENCE: Final = (1, 1)
_CAPTION_SHARE: Final = 0.16
_SIDE_MIN: Final = 64
_CELL_MIN: Final = 8

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """What to draw. A reference is the bytes of a picture, or None for one the sandbox does not have."""

    prompt: str
    references: tuple[bytes | None, ...]
    aspect_ratio: str
    resolution: str
    image_format: str  # png | jpeg | webp
    label: str  # differs for every output: number and prediction id


def render(spec: PictureSpec) -> bytes:
    """The picture: the references side by side, tinted, over a caption with the prompt and the label."""
    references = [_open(data, spec.prompt, place) for place, data in enumerate(spec.references)]
    size = picture_size(spec.aspect_ratio, spec.resolution, references[0].size if references else None)
    digest = blake2b(f"{spec.prompt}\n{spec.label}".encode(), digest_size=8).digest()
    tint = _color(digest[0] / 255, 0.45)
    canvas = _backdrop(size, digest)
    caption = max(int(size[1] * _CAPTION_SHARE), 24)
    _lay_out(canvas=canvas, references=references, area=(size[0], size[1] - caption), digest=digest)
    canvas = Image.blend(canvas, Image.new("RGB", size, tint), 0.08 + digest[1] / 255 * 0.12)
    _write_caption(canvas=canvas, spec=spec, height=caption, tint=tint)
    return encode(canvas, spec.image_format)


def picture_size(aspect_ratio: str, resolution: str, first: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height: the long side by resolution, the short one by ratio; `auto` is the first
    reference's ratio.
    """
    if aspect_ratio == "auto":
        across, down = first or _AUTO_WITHOUT_REFERENCE
    else:
        left, _, right = aspect_ratio.partition(":")
        across, down = int(left), int(right)
    long_side = LONG_SIDE.get(resolution, LONG_SIDE["1k"])
    scale = long_side / max(across, down)
    return max(round(across * scale), _SIDE_MIN), max(round(down * scale), _SIDE_MIN)


def encode(image: Image.Image, image_format: str) -> bytes:
    """The bytes of an image in one of the provider's formats."""
    out = io.BytesIO()
    match image_format:
        case "jpeg":
            image.save(out, "JPEG", quality=88)
        case "webp":
            image.save(out, "WEBP", quality=85, method=1)
        case _:
            image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _open(data: bytes | None, prompt: str, place: int) -> Image.Image:
    """A reference as RGB; one that is absent or broken becomes a plain card with its number."""
    if data is not None:
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.draft("RGB", (2048, 2048))
                return ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            pass
    digest = blake2b(f"{prompt}\n{place}".encode(), digest_size=1).digest()
    card = Image.new("RGB", (640, 640), _color(digest[0] / 255, 0.6))
    draw = ImageDraw.Draw(card)
    draw.text((320, 320), f"picture {place + 1}", fill="white", font=ImageFont.load_default(72), anchor="mm")
    return card


def _backdrop(size: tuple[int, int], digest: bytes) -> Image.Image:
    """A sky from one color to another with a sun somewhere: where and which colors, the digest says."""
    fade = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    hue = digest[0] / 255
    sky = ImageOps.colorize(fade, _color(hue, 0.42), _color(hue + 0.12, 0.86))
    radius = min(size) // 6
    across, down = size[0] * digest[3] // 255, size[1] * digest[4] // 510
    box = (across - radius, down - radius, across + radius, down + radius)
    ImageDraw.Draw(sky).ellipse(box, fill=_color(hue + 0.5, 0.8))
    return sky


def _lay_out(
    canvas: Image.Image, references: list[Image.Image], area: tuple[int, int], digest: bytes
) -> None:
    """Paste the references as a grid that fills the area; the digest shifts their order, so variations
    differ.
    """
    if not references:
        return
    shift = digest[2] % len(references)
    ordered = references[shift:] + references[:shift]
    columns = ceil(sqrt(len(ordered) * area[0] / area[1])) if area[1] else 1
    columns = min(max(columns, 1), len(ordered))
    rows = ceil(len(ordered) / columns)
    gap = max(min(area) // 40, 2)
    cell = ((area[0] - gap * (columns + 1)) // columns, (area[1] - gap * (rows + 1)) // rows)
    if min(cell) < _CELL_MIN:
        return
    for place, reference in enumerate(ordered):
        fitted = ImageOps.contain(reference, cell, Image.Resampling.BILINEAR)
        left = gap + (place % columns) * (cell[0] + gap) + (cell[0] - fitted.width) // 2
        top = gap + (place // columns) * (cell[1] + gap) + (cell[1] - fitted.height) // 2
        canvas.paste(fitted, (left, top))


def _write_caption(canvas: Image.Image, spec: PictureSpec, height: int, tint: Color) -> None:
    draw = ImageDraw.Draw(canvas)
    width, top = canvas.width, canvas.height - height
    draw.rectangle((0, top, width, canvas.height), fill=tuple(part // 3 for part in tint))
    small = max(height // 7, 9)
    letter = max(height // 5, 10)
    columns = max(int(width / (letter * 0.56)) - 2, 8)
    lines = textwrap.wrap(spec.prompt, columns, max_lines=3, placeholder=" …") or ["(no prompt)"]
    margin = letter // 2
    font = ImageFont.load_default(letter)
    for row, line in enumerate(lines):
        draw.text((margin, top + margin // 2 + row * letter * 1.15), line, fill="white", font=font)
    draw.text(
        (margin, canvas.height - small * 1.4),
        spec.label,
        fill=(255, 255, 255),
        font=ImageFont.load_default(small),
    )


def _color(hue: float, lightness: float) -> Color:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.55)
    return round(red * 255), round(green * 255), round(blue * 255)
