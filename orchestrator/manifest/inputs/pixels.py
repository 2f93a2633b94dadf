"""What a picture shows, as a digest: two files that decode to the same pixels are the same input.

Decoding a thousand photos takes minutes, so digests are kept by the identity of the file (its inode, size and
time of change) beside the outputs. A file that was touched is decoded again, and nothing else. Only `apply`
keeps them: whoever looks writes nothing.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Final

from PIL import ImageOps

from orchestrator.manifest.inputs.picture_facts import READING_ERRORS, opener

PIXEL_SCHEME: Final = 1
KEPT_MAX: Final = 1_000_000


class PixelDigests:
    """Digests of pictures by the identity of their files, read from `kept` and saved there."""

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = kept
        self._known: dict[str, str] = {} if kept is None else _read(kept)
        self._changed = False
        self.decoded = 0  # so many pictures had to be

    def of(self, path: Path, facts: os.stat_result, media_type: str, *, sha256: str) -> str:
        """The digest of what the file shows; that of its bytes where it cannot be decoded whole."""
        identity = f"{facts.st_dev}:{facts.st_ino}:{facts.st_size}:{facts.st_mtime_ns}"
        found = self._known.get(identity)
        if found is None:
            found = self._known[identity] = _digest(path, media_type) or f"sha256:{sha256}"
            self._changed = True
            self.decoded += 1
        return found

    def save(self) -> None:
        """Keep them for the next night; a folder that cannot be written costs only time."""
        if self._kept is None or not self._changed:
            return
        while len(self._known) > KEPT_MAX:
            del self._known[next(iter(self._known))]
        temp = self._kept.with_name(f"{self._kept.name}.{os.getpid()}")
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            temp.write_text(json.dumps({"scheme": PIXEL_SCHEME, "pixels": self._known}), encoding="utf-8")
            temp.replace(self._kept)
            self._changed = False
        except OSError:
            temp.unlink(missing_ok=True)


def _read(kept: Path) -> dict[str, str]:
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    right = isinstance(found, dict) and found.get("scheme") == PIXEL_SCHEME
    known = found.get("pixels") if right else None
    return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}


def _digest(path: Path, media_type: str) -> str | None:
    """Over the size and every pixel, upright as it is shown; metadata and profiles do not count."""
    open_picture = opener(media_type)
    try:
        with path.open("rb") as file:
            assert open_picture is not None  # who asks has looked whether there is a decoder
            with open_picture(file) as image:
                upright = ImageOps.exif_transpose(image)
                shown = upright if upright.mode.startswith(("I", "F")) else upright.convert("RGBA")
                digest = hashlib.sha256(f"{shown.mode} {shown.width}x{shown.height}\n".encode())
                digest.update(shown.tobytes())
    except READING_ERRORS:
        return None
    return f"pixels:{PIXEL_SCHEME}:{digest.hexdigest()}"
