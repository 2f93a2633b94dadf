"""Pictures for benchmarks: a few real ones, small unless asked otherwise, made once, each output stamped with
its own text.

The stamp is a comment that every decoder skips, so the digest differs while the drawing costs nothing.
"""

from functools import cache
from hashlib import shake_256
from zlib import crc32

from PIL import Image

from orchestrator.sandbox.media.drawing import encode, picture_size


def small_picture(image_format: str, aspect_ratio: str, text: str, size: int = 20_000) -> bytes:
    """A valid picture of about `size` bytes in the format and (nearly) the ratio; different for each ASCII
    `text`.
    """
    base = _base(image_format, "1:1" if aspect_ratio == "auto" else aspect_ratio, size)
    words = text.encode("ascii")
    match image_format:
        case "jpeg":
            return base[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + base[2:]
        case "webp":
            chunk = b"note" + len(words).to_bytes(4, "little") + words + b"\0" * (len(words) % 2)
            size = len(base) + len(chunk) - 8
            return base[:4] + size.to_bytes(4, "little") + base[8:] + chunk
        case _:
            body = b"tEXtComment\0" + words
            chunk = (len(body) - 4).to_bytes(4, "big") + body + crc32(body).to_bytes(4, "big")
            return base[:-12] + chunk + base[-12:]


@cache
def _base(image_format: str, aspect_ratio: str, size: int) -> bytes:
    """Noise does not compress, so its side decides the bytes: a little less than one for each grey pixel."""
    across, down = picture_size(aspect_ratio, "1k", None)
    scale = (0.95 * size / (across * down)) ** 0.5
    width, height = max(round(across * scale), 16), max(round(down * scale), 16)
    noise = shake_256(f"{image_format} {aspect_ratio}".encode()).digest(width * height)
    return encode(Image.frombytes("L", (width, height), noise), image_format)
