"""Where a static page finds its pictures: inside itself, beside itself, or in its own folder."""

import base64
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import quote

from orchestrator.pages.matrix import Matrix, Shown
from orchestrator.pages.sources import SourcePicture, sources_of
from orchestrator.pictures.shelf import SmallPicture, ThumbnailShelf
from orchestrator.pictures.thumbnails import ThumbnailKind
from orchestrator.runtime import own_files

THREADS: Final = 4
_Wanted = tuple[str, Path, ThumbnailKind]


class StaticLinks:
    """Implements `Links` for pages that no server serves. Small pictures of a page are made ready before it
    is rendered, several at a time; Embedded is the form of a page that stands alone.
    """

    def __init__(self, shelf: ThumbnailShelf, root: Path, *, page: Path, originals: bool) -> None:
        """`page` is where the page will be; `originals`: link the pictures themselves."""
        self.missing = 0
        self._shelf = shelf
        self._root = root
        self._page = page
        self._originals = originals
        self._ready: dict[tuple[str, ThumbnailKind], tuple[str, str]] = {}

    def make_ready(self, matrix: Matrix) -> None:
        """What this matrix shows; what was ready for earlier ones is forgotten."""
        wanted = dict.fromkeys(self._wanted(matrix))
        with ThreadPoolExecutor(THREADS, "thumbnails") as pool:
            made = pool.map(lambda each: self._shelf.get(*each), wanted)
            self._ready = {
                (sha256, kind): (self.address(small, sha256, kind) if small.webp else "", small.trouble)
                for (sha256, _, kind), small in zip(wanted, made, strict=True)
            }
        self.missing += sum(1 for _, trouble in self._ready.values() if trouble)

    def small(self, shown: Shown, kind: ThumbnailKind) -> str:
        """A small picture; of a flagged one the blurred likeness."""
        return self._of(shown, kind)[0]

    def trouble(self, shown: Shown) -> str:
        """Why there is none."""
        return self._of(shown, ThumbnailKind.SMALL)[1] or "There is no small picture of it."

    def source(self, source: SourcePicture) -> str:
        """A small picture of a source."""
        return self._ready.get((source.sha256, ThumbnailKind.SMALL), ("", ""))[0]

    def full(self, shown: Shown) -> str:
        """The picture itself, where this page links pictures."""
        if shown.flagged or not self._originals or shown.output.path is None:
            return ""
        return _relative(self._root / shown.output.path, self._page)

    def address(self, small: SmallPicture, sha256: str, kind: ThumbnailKind) -> str:
        """Where the page finds a small picture: here, inside itself."""
        del sha256, kind
        return "data:image/webp;base64," + base64.b64encode(small.webp).decode("ascii")

    def _of(self, shown: Shown, kind: ThumbnailKind) -> tuple[str, str]:
        wanted = ThumbnailKind.BLURRED if shown.flagged else kind
        return self._ready.get((shown.output.sha256 or "", wanted), ("", ""))

    def _wanted(self, matrix: Matrix) -> Iterable[_Wanted]:
        for row in matrix.rows:
            for source in sources_of(row.first)[:1]:
                if source.path is not None:
                    yield source.sha256, self._root / source.path, ThumbnailKind.SMALL
            for shown in (each for cell in row.cells if cell.choice for each in cell.choice.pictures):
                kind = ThumbnailKind.BLURRED if shown.flagged else ThumbnailKind.SMALL
                yield shown.output.sha256 or "", self._root / (shown.output.path or ""), kind


class BesideLinks(StaticLinks):
    """For a page in the output root, or near it: the small pictures stay where they are kept."""

    def address(self, small: SmallPicture, sha256: str, kind: ThumbnailKind) -> str:
        """A relative link; where nothing can be kept, the picture itself."""
        path = self._shelf.path(sha256, kind)
        return _relative(path, self._page) if path.is_file() else super().address(small, sha256, kind)


class FolderLinks(StaticLinks):
    """For a page in a folder of its own, which holds copies of what the page shows."""

    def address(self, small: SmallPicture, sha256: str, kind: ThumbnailKind) -> str:
        """A link into the folder."""
        name = f"{sha256}-{kind.value}.webp"
        folder = self._page.parent / "thumbnails"
        own_files.keep(folder / name, small.webp)
        return f"thumbnails/{name}"


def _relative(file: Path, page: Path) -> str:
    return quote(Path(os.path.relpath(file, page.parent)).as_posix(), safe="/")
