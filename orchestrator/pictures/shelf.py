"""Where small pictures lie: `.orchestrator/thumbnails/` in the output root, named by the digest of the
picture that they are of. Everything there can be thrown away: it is made again when it is looked for.
"""

import hashlib
import io
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.pictures.thumbnails import NoThumbnailError, ThumbnailKind, is_whole, make, size_of

FOLDER: Final = ".orchestrator/thumbnails"
FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750
SOURCE_BYTES_MAX: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """A small picture, or why there is none."""

    webp: bytes = b""
    width: int = 0
    height: int = 0
    trouble: str = ""


class ThumbnailShelf:
    """The small pictures of one output root. For any number of threads and processes: a file gets its name
    when it is whole, and whoever comes second writes the same.
    """

    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER

    def path(self, sha256: str, kind: ThumbnailKind) -> Path:
        """Where a small picture lies, or would."""
        return self._root / sha256[:2] / f"{sha256}-{kind.value}.webp"

    def find(self, sha256: str, kind: ThumbnailKind) -> bytes | None:
        """The small picture, if it has been made; one that was cut short was not."""
        try:
            webp = self.path(sha256, kind).read_bytes()
        except OSError:
            return None
        return webp if is_whole(webp) else None

    def get(self, sha256: str, source: Path, kind: ThumbnailKind) -> SmallPicture:
        """The small picture of `source`, made now where it is missing. Blocking.

        A file that no longer has this digest is not shown: it is not the picture that was stored. A folder
        that cannot be written keeps nothing, and the picture is shown all the same.
        """
        webp = self.find(sha256, kind)
        if webp is None:
            try:
                webp = self.add(sha256, source, flagged=kind is ThumbnailKind.BLURRED)[kind]
            except NoThumbnailError as error:
                return SmallPicture(trouble=str(error)[:1].upper() + str(error)[1:] + ".")
        return SmallPicture(webp, *size_of(webp))

    def add(self, sha256: str, source: Path, *, flagged: bool) -> dict[ThumbnailKind, bytes]:
        """Make what may be shown of `source`, and keep it. Raises NoThumbnailError. Blocking."""
        try:
            if source.stat().st_size > SOURCE_BYTES_MAX:
                raise NoThumbnailError("the file is too large to show")
            content = source.read_bytes()
        except FileNotFoundError:
            raise NoThumbnailError("the file is not there any more") from None
        except OSError as error:
            raise NoThumbnailError(f"the file cannot be read: {error.strerror or error}") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise NoThumbnailError("the file has changed since it was stored")
        made = make(io.BytesIO(content), flagged=flagged)
        with suppress(OSError):
            for kind, webp in made.items():
                self._keep(self.path(sha256, kind), webp)
        return made

    def _keep(self, path: Path, webp: bytes) -> None:
        """Written beside its name, then renamed. It is not synced: a cut one is made again."""
        for folder in (self._root.parent, self._root, path.parent):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, FILE_MODE)
                file.write(webp)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
